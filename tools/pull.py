"""Pull the data and models that dvc.lock names, as far as the remote has them: `make pull`."""

from pathlib import Path

from cxr.common.stage_runner import run_stage
from tools.remote import dvc, remote_environment, remote_name


def main() -> str:
    if not Path("dvc.lock").exists():
        return "nothing pulled: there is no dvc.lock yet; `make repro` makes everything"
    with remote_environment() as environment:
        remote = remote_name(environment)
        if not remote:
            return "nothing pulled: no DVC remote is known (DVC_REMOTE_URL); `make repro` makes everything"
        # `dvc repro` makes what the remote lacks; the first time, that is everything.
        dvc(environment, "pull", "--remote", remote, "--allow-missing")
    return "pulled what the remote has of dvc.lock; `make repro` makes the rest"


if __name__ == "__main__":
    run_stage(main)
