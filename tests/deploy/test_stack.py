"""What `make stack` makes before it starts anything, and what it says where it cannot."""

import json
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.deploy.programs import ROOT
from tools import stack


def test_passwords_are_random_and_nobody_elses_to_read(tmp_path: Path):
    (tmp_path / "other").mkdir()
    first, second = stack.set_up(tmp_path, {}), stack.set_up(tmp_path / "other", {})
    assert not set(first.values()) & set(second.values())
    assert min(len(value) for value in first.values()) >= 20
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_what_is_there_is_kept_and_what_a_newer_version_wants_is_added(tmp_path: Path):
    (tmp_path / ".env").write_text("# mine\nGRAFANA_PASSWORD=my-own\nSERVICE_PORT=443\n")
    first = stack.set_up(tmp_path, {"STACK_HOST": "xray.clinic.example"})
    certificate = (tmp_path / "secrets/tls.crt").read_bytes()
    assert (first["GRAFANA_PASSWORD"], first["SERVICE_PORT"]) == ("my-own", "443")
    text = (tmp_path / ".env").read_text()
    assert text.startswith("# mine\n")
    assert stack.set_up(tmp_path, {"STACK_HOST": "another"}) == first
    assert ((tmp_path / ".env").read_text(), (tmp_path / "secrets/tls.crt").read_bytes()) == (text, certificate)


def test_each_user_of_the_store_reaches_its_own_bucket_only(tmp_path: Path):
    settings = stack.set_up(tmp_path, {})
    users = json.loads((tmp_path / "secrets/s3.json").read_text())["identities"]
    acts = {user["name"]: user["actions"] for user in users}
    assert all(act.endswith(":dvc") for act in acts["DVC_S3"])
    assert all(act.endswith(":mlflow") for act in acts["MLFLOW_S3"])
    keys = {user["name"]: user["credentials"][0]["accessKey"] for user in users}
    assert keys == {name: settings[f"{name}_KEY"] for name in stack.S3_KEYS}


@pytest.mark.parametrize(("host", "kind"), [("xray.clinic.example", "DNS"), ("192.0.2.7", "IP Address")])
def test_the_certificate_is_for_the_host(tmp_path: Path, host: str, kind: str):
    stack.set_up(tmp_path, {"STACK_HOST": host})
    facts = ssl._ssl._test_decode_cert(str(tmp_path / "secrets/tls.crt"))  # type: ignore[attr-defined]
    assert (kind, host) in facts["subjectAltName"]
    assert ("IP Address", "127.0.0.1") in facts["subjectAltName"]


def test_git_ignores_what_it_makes():
    made = ["deploy/.env", "deploy/secrets/tls.key"]
    done = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 128:
        pytest.skip("this folder is no git repository")
    assert done.stdout.splitlines() == made


def test_without_an_engine_one_sentence_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'unknown command: docker compose' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    with pytest.raises(stack.StackError, match="needs docker with its plugin compose, or podman"):
        stack.engine()


def test_an_engine_is_asked_to_start_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    (tmp_path / "podman").write_text('#!/bin/sh\necho "podman $*"\n')
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(stack, "ENGINES", (["nowhere", "compose"], ["podman", "compose"]))
    (tmp_path / "deploy").mkdir()
    monkeypatch.setattr(stack, "DEPLOY", tmp_path / "deploy")
    assert stack.main([]) == 0
    said = capfd.readouterr().out
    started = (
        f"podman compose --file {tmp_path}/deploy/compose.yaml --env-file {tmp_path}/deploy/.env up --detach --build"
    )
    assert started in said
    assert "the service https://localhost:8443" in said
    assert stack.main(["logs", "mlflow"]) == 0
    assert "/.env logs mlflow\n" in capfd.readouterr().out
