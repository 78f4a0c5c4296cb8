"""Make the champion before the present one the champion again: `make rollback`. WHY="…" is kept with it.

The present champion is marked, so that running the pipeline again does not promote it. Where the earlier files cannot
be read, everything stays as it was.
"""

import os

from cxr.common.config import load_params
from cxr.common.stage_runner import run_stage
from cxr.promotion import moves
from cxr.promotion.settings import RegisterParams
from serving import store


def main() -> str:
    model = load_params(RegisterParams).model
    version = moves.rollback(model, store, os.environ.get("WHY", "") or "rolled back by hand")
    return f"{version} is the champion again; a service on :champion loads it by itself, any other after a restart"


if __name__ == "__main__":
    run_stage(main)
