"""Have a workspace that was moved, renamed or copied find MLflow's files again: `cxr workspace repair`.

Every stage and command does it by itself when it opens the workspace's own store; this does it for `mlflow server`, and
says what was done.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cxr.common.errors import CxrError
from cxr.tracking.rehoming import rehome
from cxr.tracking.store import STORE_FILE


def repair(folder: Path) -> str:
    """One sentence. Raises CxrError where the folder has no store of its own."""
    database = folder / STORE_FILE
    if not database.is_file():
        raise CxrError(f"{database} is missing: {folder} is no workspace, or its runs are on a server")
    done = rehome(database)
    return str(done) if done else "nothing to repair: MLflow looks for its files where they are"


def command(argv: Sequence[str]) -> int:
    """`cxr workspace`: exit status 0 where the workspace is as it should be now."""
    parser = argparse.ArgumentParser(prog="cxr workspace", description=__doc__)
    commands = parser.add_subparsers(required=True)
    mend = commands.add_parser("repair", help="after the workspace was moved, renamed or copied")
    mend.add_argument("folder", type=Path, nargs="?", default=Path(), help="of the workspace (default: this one)")
    sys.stdout.write(f"workspace: {repair(parser.parse_args(argv).folder)}\n")
    return 0
