"""Post the retraining report on a pull request, in place of the one posted before: `make comment`.

PULL_REQUEST in the environment is its number, REPORT another file than that of `make compare`. `gh` talks to GitHub; it
signs in with GH_TOKEN or with what `gh auth login` stored.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cxr.common.errors import CxrError
from cxr.common.stage_runner import run_stage
from tools.compare import FOLDER
from tools.report import MARKER

ACTIONS = "github-actions[bot]"  # the author of what GitHub's own token writes; that token may not ask for its name
LONGEST = 65_000  # GitHub takes 65,536 characters


def earlier_comment(comments: Iterable[Mapping[str, Any]], author: str) -> int | None:
    """The id of the author's newest report among a pull request's comments.

    A comment of another author stays, even where it quotes a report with its marker.
    """
    ours = [
        comment["id"]
        for comment in comments
        if comment["user"]["login"] == author and comment["body"].startswith(MARKER)
    ]
    return max(ours, default=None)


def comment_body(text: str, run_page: str) -> str:
    """The report, cut where it is too long, and a link to the run that made it."""
    link = f"\n[Plots and the whole report]({run_page})\n" if run_page else ""
    return text[: LONGEST - len(link)] + link


def main() -> str:
    number = os.environ.get("PULL_REQUEST", "")
    if not number.isdecimal():
        raise CxrError(f"PULL_REQUEST is {number!r}, not a pull request's number; use `make comment PULL_REQUEST=12`")
    report = Path(os.environ.get("REPORT") or FOLDER / "report.md")
    if not report.is_file():
        raise CxrError(f"{report} is missing; run `make compare` first")
    body = json.dumps({"body": comment_body(report.read_text(encoding="utf-8"), _run_page())})
    pages = json.loads(gh("api", "--paginate", "--slurp", f"repos/{{owner}}/{{repo}}/issues/{number}/comments"))
    earlier = earlier_comment((comment for page in pages for comment in page), _author())
    if earlier is None:
        gh("api", f"repos/{{owner}}/{{repo}}/issues/{number}/comments", "--input", "-", given=body)
        return f"commented on pull request {number}"
    gh("api", "--method", "PATCH", f"repos/{{owner}}/{{repo}}/issues/comments/{earlier}", "--input", "-", given=body)
    return f"updated the comment on pull request {number}"


def gh(*arguments: str, given: str = "") -> str:
    try:
        command = ["gh", *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CxrError("`gh`, GitHub's command line, is not installed; install it and run `gh auth login`") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CxrError(f"`gh api` failed ({last}); check GH_TOKEN or `gh auth status`, and the number")
    return done.stdout


def _author() -> str:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return ACTIONS
    return gh("api", "user", "--jq", ".login").strip()


def _run_page() -> str:
    """The address of the workflow's run; "" where a person runs this."""
    parts = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""


if __name__ == "__main__":
    run_stage(main)
