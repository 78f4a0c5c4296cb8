"""Make a workspace a git repository of its own: DVC's experiments and its `diff` commands compare commits.

    python -m tools.workspace_git FOLDER MESSAGE

commits what changed in a workspace that tools/workspace.py has made. Where git is not installed, it says so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# What DVC, MLflow, BentoML and the tools make beside the files that belong to an experiment.
IGNORED = (
    "/.dvc/cache/",
    "/.dvc/tmp/",
    "/.dvc/config.local",
    "/bentoml/",
    "/build/",
    "/data/",
    "/dvc_plots/",
    "/matplotlib/",
    "/mlartifacts/",
    "/mlflow.db*",
    "/models/",
    "/plots/",
    "/reports/",
    "/serve.log",
    "__pycache__/",
)
WITHOUT_GIT = "git is not installed, so {folder} has no history: `dvc exp` and DVC's `diff` commands do not work there"


def commit(folder: Path, message: str) -> bool:
    """Commit all that changed; the first call starts the repository. False, and nothing done, where git is missing."""
    if _program() is None:
        return False
    if not (folder / ".git").exists():
        _git(folder, "init", "--quiet")
        _git(folder, "config", "commit.gpgsign", "false")  # nobody is there to type a passphrase
        _name_somebody(folder)
    _let_dvc_use_git(folder)
    _ignore(folder)
    _git(folder, "add", "--all")
    if _git(folder, "status", "--porcelain"):
        _git(folder, "commit", "--quiet", "--no-verify", "--message", message)
    return True


def _name_somebody(folder: Path) -> None:
    """Git and DVC's experiments want an author. Where a person has told git none, this repository has one."""
    for key, value in (("user.name", "workspace"), ("user.email", "workspace@localhost")):
        if not _git(folder, "config", "--get", key, check=False):
            _git(folder, "config", key, value)


def _let_dvc_use_git(folder: Path) -> None:
    config = folder / ".dvc" / "config"
    if config.exists() and "no_scm" in config.read_text(encoding="utf-8"):
        unset = [sys.executable, "-m", "dvc", "config", "--quiet", "--unset", "core.no_scm"]
        subprocess.run(unset, cwd=folder, check=True)


def _ignore(folder: Path) -> None:
    """Add what is missing to .gitignore, and keep what a person wrote there."""
    file = folder / ".gitignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    missing = [name for name in IGNORED if name not in lines]
    if missing:
        file.write_text("".join(f"{line}\n" for line in [*lines, *missing]), encoding="utf-8")


def _git(folder: Path, *arguments: str, check: bool = True) -> str:
    """git's output. Its environment names no other repository, as it would inside a hook."""
    names = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    command = [_program() or "git", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=check, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _program() -> str | None:
    return shutil.which("git")


def main(folder: Path, message: str) -> None:
    if not commit(folder, message):
        print(WITHOUT_GIT.format(folder=folder), file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
