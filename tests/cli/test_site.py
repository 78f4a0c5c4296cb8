"""`cxr predict --site`: answers by a site profile, or one sentence why not."""

from pathlib import Path

import pytest

from cxr.inference.manifest import digest_of
from cxr.inference.site_profile import write_profile
from tests.cli.command import cxr, only_sentence, table
from tests.site_profiles import SHA256, profile


def written(folder: Path, sha256: str, **changes: object) -> Path:
    model = {"name": "covid-cxr", "version": "1", "sha256": sha256}
    write_profile(profile(model=model, **changes), folder / "profile.json")
    return folder / "profile.json"


def test_rows_have_the_sites_numbers(folder: Path, bundle: Path, tmp_path: Path) -> None:
    site = written(tmp_path, digest_of(bundle), calibration={"scale": 0.001, "offset": 9}, threshold=0.2)
    for out, options in (("with.csv", ["--site", site]), ("without.csv", [])):
        assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / out, *options) == 0
    for row in table(tmp_path / "with.csv"):
        assert (row["site"], row["triage"], row["threshold"], row["state"]) == ("St. Example", "likely", "0.2", "COVID")
        assert float(row["probability_covid"]) > 0.99
        assert "not_commissioned" not in row["warnings"]
    for row in table(tmp_path / "without.csv"):
        assert (row["site"], row["triage"]) == ("", "")
        assert "not_commissioned" in row["warnings"]


REFUSED = {"verdict": "not_for_use", "reasons": ["The AUC is 0.42."]}


@pytest.mark.parametrize(
    ("own", "changes", "words"),
    [(False, {}, "is another model"), (True, REFUSED, "not for use at this site")],
)
def test_what_must_not_be_used_is_one_sentence(
    folder: Path, bundle: Path, tmp_path: Path, capsys, own: bool, changes: dict, words: str
) -> None:
    site = written(tmp_path, digest_of(bundle) if own else SHA256, **changes)
    assert cxr("predict", folder, "--model", bundle, "--site", site) == 2
    assert words in only_sentence(capsys)
