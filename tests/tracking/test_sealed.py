"""The sealed test in a real MLflow store: all in one group, twice changes nothing, another workspace can read it."""

import pytest

from cxr.tracking.sealed import fetch_sealed, known_looks, log_sealed, tell_looks
from tests.tracking.test_registry import registered

LOOK = {"id": "a" * 32, "test_set": "d" * 64, "when": "2026-01-01T00:00:00Z"}


@pytest.mark.slow
def test_the_sealed_test_is_with_the_version_and_twice_changes_nothing(client, tmp_path):
    from cxr.tracking.registry import find_version

    version = registered(tmp_path)
    folder = tmp_path / "bbb-ddd"
    folder.mkdir()
    (folder / "sealed.json").write_text("{}")
    for _ in range(2):
        log_sealed(version, version.run_id, folder, {"auc": 0.9, "images": 40}, {"looks": "1"})
        tell_looks(version.name, [LOOK])
    run = client.get_run(version.run_id)
    assert {name: value for name, value in run.data.metrics.items() if "sealed" in name} == {
        "sealed/auc": 0.9,
        "sealed/images": 40,
    }
    assert len(client.get_metric_history(version.run_id, "sealed/auc")) == 1
    assert known_looks(version.name) == [LOOK]
    version = find_version(version.name, version.number)
    assert version.tags["sealed/looks"] == "1"

    elsewhere = tmp_path / "elsewhere" / folder.name
    assert fetch_sealed(version, elsewhere, "sealed.json")
    assert (elsewhere / "sealed.json").read_text() == "{}"
    assert not fetch_sealed(version, elsewhere.with_name("another"), "sealed.json")
    client.delete_run(version.run_id)
    assert not fetch_sealed(version, tmp_path / "gone" / folder.name, "nothing.json")
