import logging
import os
import shutil

import pytest

from cxr.common.errors import CxrError
from cxr.tracking.registry import connect_mlflow
from cxr.tracking.store import ADDRESSES
from tests.tracking.specs import bundle_at, some_spec


def registered(tmp_path, content: str = "weights"):
    from cxr.tracking.registry import register_model
    from cxr.tracking.training_run import start_run

    with start_run(some_spec(), tmp_path / "reports") as record:
        pass
    bundle = bundle_at(tmp_path / content, content)
    return register_model("covid-cxr", bundle, record.run_id, "What it is.", {"backbone": "inceptionv3"})


def rolled_back(folder):
    """The registry's part of a rollback, in the order of cxr.promotion.moves."""
    from cxr.tracking import aliases
    from cxr.tracking.registry import fetch_bundle

    present, earlier = aliases.way_back("covid-cxr")
    fetch_bundle(earlier, folder)
    move = aliases.Move.now("rollback", present, earlier, "Ada", "it was wrong")
    aliases.announce("covid-cxr", move)
    assert aliases.announced("covid-cxr") == move
    aliases.move_alias("covid-cxr", move)
    version = aliases.tidy("covid-cxr", move)
    aliases.end("covid-cxr", move)
    assert aliases.announced("covid-cxr") is None
    return version


@pytest.mark.slow
def test_a_registered_version_says_what_it_is(client, tmp_path):
    from mlflow.models import get_model_info

    version = registered(tmp_path)
    assert (version.number, version.aliases, version.description) == (1, (), "What it is.")
    assert version.tags["backbone"] == "inceptionv3"
    info = get_model_info("models:/covid-cxr/1")
    assert info.signature.inputs.input_names() == ["image"]
    assert info.signature.outputs.input_names() == ["state", "percentage", "p_covid", "reason"]
    assert client.get_run(version.run_id).info.status == "FINISHED"


@pytest.mark.slow
def test_registering_leaves_the_process_s_addresses_as_they_were(client, tmp_path):
    before = {name: os.environ.get(name) for name in ADDRESSES}
    connect_mlflow()
    assert {name: os.environ.get(name) for name in ADDRESSES} == before


def test_the_same_bundle_is_the_same_version_and_another_is_not(client, tmp_path):
    from cxr.tracking.registry import register_model

    first = registered(tmp_path)
    again = register_model("covid-cxr", tmp_path / "weights", first.run_id, "Better words.", {})
    assert (again.number, again.description) == (1, "Better words.")
    assert registered(tmp_path, "other").number == 2


@pytest.mark.slow
def test_a_version_has_its_hash_from_the_first_moment_so_a_killed_stage_leaves_none_twice(
    client, tmp_path, monkeypatch
):
    from mlflow import MlflowClient

    from cxr.tracking.registry import register_model

    def killed(*arguments, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "update_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            registered(tmp_path)
    run_id = client.get_model_version("covid-cxr", "1").run_id
    assert register_model("covid-cxr", tmp_path / "weights", run_id, "What it is.", {}).number == 1
    assert len(client.search_model_versions("name = 'covid-cxr'")) == 1


@pytest.mark.slow
def test_a_version_whose_files_are_gone_is_registered_anew(client, tmp_path):
    from cxr.tracking.registry import fetch_bundle, register_model

    first = registered(tmp_path)
    shutil.rmtree(tmp_path / "mlartifacts")
    with pytest.raises(CxrError, match="the files of covid-cxr version 1 are not where they were registered"):
        fetch_bundle(first, tmp_path / "fetched")
    assert register_model("covid-cxr", tmp_path / "weights", first.run_id, "", {}).number == 2


@pytest.mark.slow
def test_the_champion_s_bundle_comes_back_as_it_was(client, tmp_path):
    from cxr.tracking.aliases import set_champion
    from cxr.tracking.registry import bundle_sha256, champion, fetch_bundle

    assert champion("covid-cxr") is None
    set_champion(registered(tmp_path))
    version = champion("covid-cxr")
    assert version is not None
    assert bundle_sha256(fetch_bundle(version, tmp_path / "fetched")) == version.bundle_sha256
    stored = next((tmp_path / "mlartifacts").rglob("head.npz"))
    stored.write_text("tampered")
    with pytest.raises(CxrError, match="are not those that were registered"):
        fetch_bundle(version, tmp_path / "fetched")


@pytest.mark.slow
def test_rollback_goes_back_step_by_step_and_then_says_that_it_can_not(client, tmp_path):
    from cxr.tracking.aliases import set_champion
    from cxr.tracking.registry import champion, set_challenger

    with pytest.raises(CxrError, match="covid-cxr has no champion"):
        rolled_back(tmp_path / "champion")
    versions = [set_challenger(registered(tmp_path, content)) for content in "abc"]
    for version in versions:
        assert "champion" in set_champion(set_champion(version)).aliases  # twice is the same as once
    assert champion("covid-cxr").aliases == ("champion",)
    assert int(client.get_model_version_by_alias("covid-cxr", "previous_champion").version) == 2
    assert rolled_back(tmp_path / "champion").number == 2
    assert int(client.get_model_version_by_alias("covid-cxr", "previous_champion").version) == 1
    assert rolled_back(tmp_path / "champion").aliases == ("champion",)
    with pytest.raises(CxrError, match="version 1 is the first champion"):
        rolled_back(tmp_path / "champion")


@pytest.mark.slow
def test_a_rollback_whose_files_are_gone_changes_nothing(client, tmp_path):
    """Neither the alias, nor a tag, nor the folder; so a second try does not go one version too far."""
    from cxr.tracking.aliases import set_champion
    from cxr.tracking.registry import champion, find_version

    for content in "abc":
        set_champion(registered(tmp_path, content))
    stored = sorted((tmp_path / "mlartifacts").rglob("head.npz"), key=lambda path: path.read_text())
    shutil.rmtree(stored[1].parents[2])
    for _ in range(2):
        with pytest.raises(CxrError, match="the files of covid-cxr version 2"):
            rolled_back(tmp_path / "champion")
        present = champion("covid-cxr")
        assert present is not None
        assert (present.number, present.rolled_back) == (3, "")
        assert int(client.get_model_version_by_alias("covid-cxr", "previous_champion").version) == 2
        assert not find_version("covid-cxr", 2).rolled_back
    assert not (tmp_path / "champion").exists()


@pytest.mark.slow
def test_a_version_that_was_taken_back_says_so_until_it_is_promoted_again(client, tmp_path):
    from cxr.tracking.aliases import set_champion
    from cxr.tracking.registry import register_model

    first, second = (set_champion(registered(tmp_path, content)) for content in "ab")
    rolled_back(tmp_path / "champion")
    again = register_model("covid-cxr", tmp_path / "b", second.run_id, "", {})
    assert again.rolled_back
    assert not set_champion(again).rolled_back
    assert rolled_back(tmp_path / "champion").number == first.number


@pytest.mark.slow
def test_the_registered_model_answers_a_table_as_the_service_would(client, tmp_path, complete_bundle):
    import base64
    import io

    import mlflow
    import numpy as np
    import pandas as pd
    from PIL import Image

    from cxr.inference.engine import Engine
    from cxr.tracking.registry import register_model
    from cxr.tracking.training_run import start_run

    def text_of(pixels: np.ndarray) -> str:
        with io.BytesIO() as handle:
            Image.fromarray(pixels).save(handle, "PNG")
            return base64.b64encode(handle.getvalue()).decode()

    blank, from_the_side = np.full((32, 32), 90, np.uint8), np.repeat([[200] * 16 + [20] * 16], 32, 0).astype(np.uint8)
    middle = np.full((32, 32), 10, np.uint8)
    middle[8:24, 8:24] = 250
    pictures = [blank, middle, from_the_side, 255 - middle]
    with start_run(some_spec(), tmp_path / "reports") as record:
        pass
    register_model("covid-cxr", complete_bundle, record.run_id, "", {})
    asked = pd.DataFrame({"image": [text_of(pixels) for pixels in pictures]})
    answer = mlflow.pyfunc.load_model("models:/covid-cxr/1").predict(asked)
    p_covid = Engine.load(complete_bundle).predict(np.stack([middle, 255 - middle]))
    assert answer["state"].tolist() == ["Refused", "COVID", "Refused", "NonCOVID"]
    assert answer["reason"].tolist() == ["blank", "", "lateral", ""]
    assert answer["p_covid"].dropna().tolist() == pytest.approx(list(p_covid), abs=1e-6)
    assert answer["percentage"].dropna().tolist() == pytest.approx([100 * p_covid[0], 100 - 100 * p_covid[1]])
    assert answer["p_covid"].isna().tolist() == answer["percentage"].isna().tolist() == [True, False, True, False]
    none = mlflow.pyfunc.load_model("models:/covid-cxr/1").predict(asked[:0])
    assert list(none.columns) == ["state", "percentage", "p_covid", "reason"]


@pytest.mark.slow
def test_what_is_no_bundle_is_not_registered(client, tmp_path):
    from cxr.tracking.registry import register_model

    with pytest.raises(CxrError, match="is not a model bundle"):
        register_model("covid-cxr", tmp_path, "0" * 32, "", {})


@pytest.mark.slow
def test_tracking_is_quiet(client, tmp_path, caplog, capfd, recwarn):
    with caplog.at_level(logging.WARNING):
        registered(tmp_path)
    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_version_says_where_its_report_is_and_when_it_was_registered(client, tmp_path):
    from cxr.tracking.registry import find_version, link_report

    version = registered(tmp_path)
    link_report(version, f"runs:/{version.run_id}/card/report.html")
    found = find_version("covid-cxr", version.number)
    assert found.tags["cxr.report"] == f"runs:/{version.run_id}/card/report.html"
    assert found.created[:2] == "20"
    assert len(found.created) == len("2026-01-31")


def test_a_version_that_the_registry_lacks_is_one_sentence(client):
    from cxr.tracking.registry import find_version

    with pytest.raises(CxrError, match="no version 7 of covid-cxr; run `dvc repro"):
        find_version("covid-cxr", 7)


@pytest.mark.slow
def test_a_version_is_found_by_its_alias_and_by_its_number(client, tmp_path):
    from cxr.tracking.registry import named_version, set_challenger

    set_challenger(registered(tmp_path))
    assert named_version("covid-cxr@challenger").number == named_version("covid-cxr/1").number == 1
    for address, said in {
        "covid-cxr@champion": "no version of covid-cxr with the alias champion",
        "covid-cxr/2": "no version 2 of covid-cxr",
        "covid-cxr": "write name@champion or name/3",
    }.items():
        with pytest.raises(CxrError, match=said):
            named_version(address)
