"""The cases of docs/recovery.md that need a registry: MLflow's own, with two tiny models, and the real commands."""

import json
import shutil
from pathlib import Path

import pytest

from tests.recovery.guide import blocks, make_workspace, typed
from tests.tiny import tiny_bundle

pytestmark = pytest.mark.slow
# What the stage `register` does with the registry, for each bundle that it is given; PROMOTE=1 promotes each.
REGISTER = """
BENTOML_HOME="$PWD/bentoml" python - {bundles} <<'END'
import os, sys
from pathlib import Path
from cxr.common.usage_reports import switch_off
switch_off()
from cxr.promotion import moves
from cxr.tracking import registry
from cxr.tracking.store import connect, experiment_id
from serving import store
client = connect()
run = client.create_run(experiment_id(client, "covid-cxr")).info.run_id
for bundle in sys.argv[1:]:
    version = registry.register_model("covid-cxr", Path(bundle), run, "", {{}})
    if os.environ.get("PROMOTE"):
        moves.promote(version, store, "promote", "it is better")
END
"""
CUT_SHORT = """
python - <<'END'
from cxr.tracking import aliases, registry
present, target = registry.champion("covid-cxr"), registry.find_version("covid-cxr", {number})
move = aliases.Move.now("promote", present, target, "Ada", "")
aliases.announce("covid-cxr", move)
aliases.move_alias("covid-cxr", move)
END
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two registered versions, of which the second is the champion."""
    folder = tmp_path_factory.mktemp("recovery")
    workspace = make_workspace(folder / "work")
    bundles = [tiny_bundle(folder / f"bundle-{seed}", seed=seed, split="20/0.2/0.15/1f") for seed in (1, 2)]
    typed(workspace, "export PROMOTE=1" + REGISTER.format(bundles=" ".join(f'"{bundle}"' for bundle in bundles)))
    assert champion(workspace) == 2
    return workspace


def script_for(number: int, title: str) -> str:
    """The section's first script, about another version than the guide's example."""
    return blocks()[title][0].replace("VERSION=2", f"VERSION={number}")


def champion(workspace: Path) -> int:
    """The champion, where the store, models/champion and the record agree about it."""
    tag = (workspace / "bentoml/cxr-champions/covid-cxr").read_text().strip()
    stored = workspace / "bentoml/models/covid-cxr" / tag.partition(":")[2]
    facts = (workspace / "models/champion/model.json").read_bytes()
    assert (stored / "model.json").read_bytes() == facts
    number = int(tag.partition(":v")[2].partition("-")[0])
    last = (workspace / "reports/promotions.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["to"] == number
    return number


def test_a_lost_store_is_made_again_from_the_registry(workspace: Path) -> None:
    shutil.rmtree(workspace / "bentoml")
    said = typed(workspace, blocks()["The BentoML store is lost"][0])
    assert '"to": 2' in said
    assert "is the champion already; its files are in place" in said
    assert champion(workspace) == 2


def test_a_bad_champion_is_taken_back_and_a_wrong_rollback_too(workspace: Path) -> None:
    back, again = blocks()["The champion is bad"]
    assert '"why": "it calls every picture COVID"' in typed(workspace, back)
    assert champion(workspace) == 1
    assert "is the champion now" in typed(workspace, again)
    assert champion(workspace) == 2


def test_a_promotion_that_was_cut_short_is_finished(workspace: Path) -> None:
    other = 3 - champion(workspace)
    typed(workspace, CUT_SHORT.format(number=other))
    typed(workspace, script_for(other, "A promotion or rollback was cut short"))
    assert champion(workspace) == other


def test_a_damaged_database_comes_back_from_its_copy_or_starts_anew(workspace: Path) -> None:
    number = champion(workspace)
    typed(workspace, blocks()["Keep copies"][0])
    (workspace / "mlflow.db").write_bytes(b"this is no database" * 100)
    assert "MLflow's store" in typed(workspace, f"make promote VERSION={number}", fails=True)
    assert "its files are in place" in typed(workspace, script_for(number, "The MLflow database is lost or damaged"))
    assert champion(workspace) == number

    (workspace / "dvc.sh").write_text(REGISTER.format(bundles=f'"{workspace.parent}/bundle-2"'))
    typed(workspace, blocks()["Without a copy"][0])
    assert champion(workspace) == 1
