"""Copy the champion of a shared MLflow server into the workspace's own registry: `make champion`.

A pull request is then compared with the model that answers today, and cannot replace it: a change that nobody has
reviewed must not reach patients. CHAMPION_FROM in the environment is the server's address.
"""

import os
import tempfile
from pathlib import Path

from cxr.common.config import load_params
from cxr.common.stage_runner import run_stage
from cxr.promotion.settings import RegisterParams
from cxr.tracking import aliases, registry
from cxr.tracking.store import ADDRESSES, connect, experiment_id
from tools.evidence import BORROWED_TAG, recorded_values


def main() -> str:
    address = os.environ.get("CHAMPION_FROM", "")
    if not address:
        return "no champion borrowed: CHAMPION_FROM is empty, so there will be none to compare with"
    params = load_params(RegisterParams)
    with tempfile.TemporaryDirectory() as folder:
        use_store(address)
        version = registry.champion(params.model)
        if version is None:
            return f"no champion borrowed: {params.model} has none there"
        bundle = registry.fetch_bundle(version, Path(folder) / version.tags.get("backbone", "bundle"))
        values = recorded_values(version.run_id)
        use_store("")
        borrow(params, version, bundle, values)
    return f"{version} is the champion to compare with"


def use_store(address: str) -> None:
    """Use that server from now on; "" stands for the workspace's own store."""
    for name in ADDRESSES:
        os.environ.pop(name, None)
    if address:
        os.environ["MLFLOW_TRACKING_URI"] = address


def borrow(params: RegisterParams, version: registry.Version, bundle: Path, values: dict[str, float]) -> None:
    """Register the bundle as champion, with the server's metrics and the version's number there."""
    client = connect()
    run_id = client.create_run(experiment_id(client, params.experiment), run_name="borrowed champion").info.run_id
    for name, value in values.items():
        client.log_metric(run_id, name, value)
    client.set_terminated(run_id)
    tags = {name: value for name, value in version.tags.items() if not name.startswith("cxr.")}
    mine = registry.register_model(params.model, bundle, run_id, version.description, tags)
    client.set_model_version_tag(mine.name, str(mine.number), BORROWED_TAG, str(version.number))
    aliases.set_champion(mine, "borrow", why=f"borrowed version {version.number}, to compare with")


if __name__ == "__main__":
    run_stage(main)
