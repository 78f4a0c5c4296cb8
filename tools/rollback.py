"""Make the champion before the present one the champion again: `make rollback`.

The present champion is marked, so that running the pipeline again does not promote it. Where the earlier files cannot
be read, everything stays as it was.
"""

from cxr.common.atomic_files import replace_when_complete
from cxr.common.config import load_params
from cxr.common.paths import CHAMPION
from cxr.common.stage_runner import run_stage
from cxr.promotion.settings import RegisterParams
from cxr.tracking import registry
from serving.store import publish


def main() -> str:
    model = load_params(RegisterParams).model
    with replace_when_complete(CHAMPION) as folder:
        version = registry.rollback(model, folder)
    publish(CHAMPION, model, version.number)
    return f"{version} is the champion again; a service on :latest loads it by itself, any other after a restart"


if __name__ == "__main__":
    run_stage(main)
