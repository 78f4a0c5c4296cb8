"""Who may publish, what a commit says, whose comment is replaced, how the remote is described."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from configobj import ConfigObj

from cxr.common.errors import CxrError
from cxr.promotion.decision import decide_without_champion
from tools.comment import ACTIONS, LONGEST, comment_body, earlier_comment
from tools.publish import changed_stages, commit, commit_message, reason_to_wait
from tools.remote import NAME, remote_environment, remote_options
from tools.report import MARKER

ROOT = Path(__file__).parents[2]
BETTER = {
    "winner": "vgg16",
    "version": 3,
    "better": True,
    "promoted": False,
    "reason": "stays challenger; for it: AUC differs by +0.0100",
}
FIRST = {**BETTER, "reason": f"stays challenger; for it: {decide_without_champion().reason}"}
NEW = ["train@vgg16"]


def test_a_better_model_is_promoted_and_published():
    assert reason_to_wait(BETTER, True, {}) == ""
    assert reason_to_wait({**BETTER, "promoted": True, "better": False}, True, {}) == ""


def test_a_challenger_is_not_published_and_the_reason_is_the_decision_s():
    register = {**BETTER, "better": False, "reason": "stays challenger: surely below the champion"}
    assert "surely below the champion" in reason_to_wait(register, True, {})


def test_a_fork_publishes_nothing_however_good_it_is():
    assert "fork" in reason_to_wait(BETTER, True, {"FORK": "true"})
    assert reason_to_wait(BETTER, True, {"FORK": "false"}) == ""


def test_a_registry_that_lost_its_champion_does_not_publish_over_the_one_before():
    assert "MLFLOW_TRACKING_URI" in reason_to_wait(FIRST, True, {})
    assert reason_to_wait(FIRST, False, {}) == ""
    assert reason_to_wait(FIRST, True, {"FIRST": "1"}) == ""


def test_the_registration_alone_is_no_change():
    before = {"stages": {"train@vgg16": {"md5": "a"}, "register": {"md5": "1"}, "train@xception": {"md5": "x"}}}
    now = {"stages": {"train@vgg16": {"md5": "b"}, "register": {"md5": "2"}}}
    assert changed_stages(before, now) == ["train@vgg16", "train@xception"]
    renumbered = {"register": {"md5": "2"}, "card": {"md5": "2"}}
    assert changed_stages(before, {**before, "stages": {**before["stages"], **renumbered}}) == []
    assert changed_stages({}, now) == ["train@vgg16"]


def test_a_commit_says_which_model_and_why():
    message = commit_message(BETTER, {"auc": {"value": 0.98765}}, NEW, "version 3 is the champion now")
    assert message.splitlines()[0] == "Retrain: vgg16, AUC 0.988 on validation patients"
    assert "version 3 is the champion now" in message
    assert "AUC differs by +0.0100" in message


def test_a_commit_holds_dvc_s_lock_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With register.json in it, a clone's `register` would count as done, and tell its server nothing."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout

    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    for name in ("dvc.lock", "reports/register.json", "reports/winner.json", "params.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    git("add", "params.yaml")
    commit("Retrain")
    assert git("ls-tree", "-r", "--name-only", "HEAD").split() == ["dvc.lock"]


def comment(number: int, author: str = ACTIONS, body: str = MARKER + "\n…") -> dict:
    return {"id": number, "user": {"login": author}, "body": body}


def test_only_our_own_newest_report_is_replaced():
    comments = [
        comment(1),
        comment(2),
        comment(3, author="somebody"),
        comment(4, body="lint is green"),
        comment(5, body=f"> {MARKER}"),
    ]
    assert earlier_comment(comments, ACTIONS) == 2
    assert earlier_comment(comments[2:], ACTIONS) is None


def test_a_comment_fits_and_links_to_its_run():
    body = comment_body("x" * 70_000, "https://example.org/runs/1")
    assert len(body) == LONGEST
    assert body.endswith("(https://example.org/runs/1)\n")


def test_remote_options_hold_whatever_a_password_may_hold():
    assert remote_options("user=me\n\n password = a=b, c#'d \n") == {"user": "me", "password": "a=b, c#'d"}


def test_a_line_that_is_no_option_is_named_without_its_secret():
    with pytest.raises(CxrError, match="line 2") as fault:
        remote_options("user=me\nhunter2")
    assert "hunter2" not in str(fault.value)


def test_dvc_reads_the_remote_and_the_settings_are_gone_afterwards(tmp_path: Path):
    options = "password=a=b, c#'d\n"
    with remote_environment({"DVC_REMOTE_URL": str(tmp_path), "DVC_REMOTE_OPTIONS": options}) as environment:
        folder = Path(environment["DVC_GLOBAL_CONFIG_DIR"])
        config = ConfigObj(str(folder / "config"), encoding="utf-8")
        assert config["core"]["remote"] == NAME
        assert config[f'remote "{NAME}"'] == {"password": "a=b, c#'d", "url": str(tmp_path)}
    assert not folder.exists()


def test_without_an_address_nothing_is_set():
    with remote_environment({}) as environment:
        assert environment == {}


@pytest.mark.parametrize("tool", ["comment", "publish", "pull"])
def test_a_tool_in_an_empty_folder_says_one_sentence(tool: str, tmp_path: Path):
    command = [sys.executable, "-m", f"tools.{tool}"]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    assert done.returncode == (0 if tool == "pull" else 1)


def test_a_report_is_json_that_github_takes():
    assert json.loads(json.dumps({"body": comment_body("ROC – é", "")})) == {"body": "ROC – é"}
