"""Promote this run's version if the comparison speaks for it; then push data and models to the DVC remote and commit
dvc.lock: `make publish`.

Environment variables: BRANCH names the branch on origin that gets the commit; without it the commit stays in this
clone. FORK=true says that this is a fork's pull request; nothing is published then. FIRST=1 allows a registry without
a champion although models were published before.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cxr.common.atomic_files import read_json
from cxr.common.errors import CxrError
from cxr.common.paths import REPORTS
from cxr.common.stage_runner import run_stage
from cxr.promotion.decision import decide_without_champion
from tools.remote import dvc, remote_environment, remote_name

LOCK = "dvc.lock"
NUMBERED = ("register", "sealed", "card")
BOT = {"name": "github-actions[bot]", "email": "41898282+github-actions[bot]@users.noreply.github.com"}
# git asks gh for the password, and gh takes it from GH_TOKEN. So .git/config holds no credentials.
GH_HELPER = ("-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential")


def reason_to_wait(register: Mapping[str, Any], published_before: bool, environment: Mapping[str, str]) -> str:
    """The reason why nothing is promoted and published; "" where the version may be.

    register: reports/register.json. published_before: whether HEAD has models.
    """
    if environment.get("FORK") == "true":
        return "a fork's pull request publishes nothing"
    if not register.get("better") and not register["promoted"]:
        return f"version {register['version']} {register['reason']}"
    without_champion = register["reason"].endswith(decide_without_champion().reason)
    if without_champion and published_before and not environment.get("FIRST"):
        return (
            "models were published before, but the registry has no champion to compare with; set "
            "MLFLOW_TRACKING_URI to the server that has one, or FIRST=1 to publish a first one"
        )
    return ""


def changed_stages(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Stages whose entries in dvc.lock differ, without those that only record the version's number in a registry."""
    old = before.get("stages", {})
    new = now.get("stages", {})
    return sorted(name for name in {*old, *new} if name not in NUMBERED and old.get(name) != new.get(name))


def commit_message(register: Mapping[str, Any], metrics: Mapping[str, Any], stages: list[str], said: str) -> str:
    """said: how the version became champion."""
    return (
        f"Retrain: {register['winner']}, AUC {metrics['auc']['value']:.3f} on validation patients\n\n"
        f"{said}.\nThe stage register said: {register['reason']}.\nStages: {', '.join(stages)}.\n"
    )


def main() -> str:
    register = read_json(REPORTS / "register.json")
    before = yaml.safe_load(_committed(LOCK)) or {}
    stages = changed_stages(before, yaml.safe_load(_read(LOCK)))
    reason = reason_to_wait(register, any("train" in name for name in before.get("stages", {})), os.environ)
    if reason:
        return f"nothing promoted and published: {reason}"
    from tools.promote import promote  # here: it brings in BentoML, which takes a second

    promoted, said = promote(register["version"])
    if not promoted:
        return f"nothing promoted and published: {said}"
    if not stages:
        return f"{said}; nothing published: only the registration changed in dvc.lock"
    with remote_environment() as environment:
        remote = remote_name(environment)
        if not remote:
            return (
                f"{said}; nothing published: no DVC remote is known; set DVC_REMOTE_URL or `dvc remote add --default`"
            )
        # First the files, then the commit that names them: everybody can pull what a dvc.lock names.
        dvc(environment, "push", "--remote", remote)
    metrics = read_json(REPORTS / "models" / register["winner"] / "validation.json")
    commit(commit_message(register, metrics, stages, said))
    branch = os.environ.get("BRANCH", "")
    if branch:
        push(branch)
    where = f"branch {branch}" if branch else "this clone (BRANCH=name pushes it)"
    return f"{said}; data and models pushed to the remote, dvc.lock committed to {where}"


def commit(message: str) -> None:
    """Commit dvc.lock only, whatever else has changed.

    What register found is not there: in a clone that has its file the stage would not run, and a new MLflow server
    would be told nothing.
    """
    _git("add", "--", LOCK)
    identity = {} if _known_author() else BOT
    settings = [part for key, value in identity.items() for part in ("-c", f"user.{key}={value}")]
    _git(*settings, "commit", "--quiet", "--message", message, "--", LOCK)


def push(branch: str) -> None:
    helper = GH_HELPER if os.environ.get("GH_TOKEN") else ()
    try:
        _git(*helper, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    except CxrError as fault:
        raise CxrError(
            f"data and models are pushed, the commit is not ({fault}); if the branch has moved or is protected, "
            "merge it by hand (docs/retraining.md)"
        ) from None


def _known_author() -> bool:
    return bool(_run("config", "user.email").stdout.strip())


def _committed(path: str) -> str:
    """The file in HEAD; "" where it is not there."""
    done = _run("show", f"HEAD:./{path}")
    return done.stdout if done.returncode == 0 else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CxrError(f"{path} is missing; run `make repro` first") from None


def _git(*arguments: str) -> None:
    done = _run(*arguments)
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("hint:")]
        raise CxrError(f"git failed: {(lines or ['no reason given'])[-1]}")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    run_stage(main)
