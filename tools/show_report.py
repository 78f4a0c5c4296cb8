"""Print where the report of the registered model is, and open it where there is a screen: `make report`.

A report is not shown if its files have changed since it was written.
"""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from cxr.common.errors import CxrError
from cxr.common.paths import CARD
from cxr.report.origin import stale_files


def report_of(workspace: Path) -> Path:
    """The page, absolute. Raises CxrError where there is none, or where its files have changed since."""
    page = (workspace / CARD / "report.html").resolve()
    stale = stale_files(page, workspace)
    if stale:
        raise CxrError(f"{page} is older than {', '.join(stale)}; `dvc repro` makes it again")
    return page


def has_screen() -> bool:
    """Whether a browser can open a window. Without a screen, a text browser would take over the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    try:
        page = report_of(parser.parse_args().workspace)
    except CxrError as fault:
        sys.exit(str(fault))
    print(page)
    if has_screen():
        webbrowser.open(page.as_uri())


if __name__ == "__main__":
    main()
