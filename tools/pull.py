"""Bring the data and models that dvc.lock names from the remote, as far as it has them: `make pull`."""

from pathlib import Path

from cxr.common.stage_runner import run_stage
from tools.remote import dvc, remote_environment, remote_name


def main() -> str:
    if not Path("dvc.lock").exists():
        return "nothing pulled: there is no dvc.lock yet, `make repro` makes everything anew"
    with remote_environment() as environment:
        remote = remote_name(environment)
        if not remote:
            return "nothing pulled: no DVC remote is known (DVC_REMOTE_URL); `make repro` makes everything anew"
        # What the remote lacks, the first time all of it, `dvc repro` makes anew.
        dvc(environment, "pull", "--remote", remote, "--allow-missing")
    return "pulled what the remote has of dvc.lock; `make repro` makes the rest anew"


if __name__ == "__main__":
    run_stage(main)
