"""Start the stack of deploy/compose.yaml: `make stack`. Standard library only, in any Python that runs here.

    python3 tools/stack.py [up | down | ps | logs | any other word of compose]

The first time it makes deploy/.env and deploy/secrets/ with random passwords and a self-signed certificate; what is
there is kept. STACK_HOST and STACK_ADDRESS in the environment are written there the first time.
"""

import base64
import hashlib
import ipaddress
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

DEPLOY = Path(__file__).parents[1] / "deploy"
ENGINES = (["docker", "compose"], ["podman", "compose"], ["docker-compose"], ["podman-compose"])
PASSWORDS = ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "REGISTRY_PASSWORD", "CXR_API_KEY")
S3_KEYS = ("STORE_ADMIN", "MLFLOW_S3", "DVC_S3")
# What each identity of the store may do. SeaweedFS' words; "Read:mlflow" is reading in the bucket mlflow.
MAY = {
    "STORE_ADMIN": ["Admin"],
    "MLFLOW_S3": [f"{act}:mlflow" for act in ("Read", "Write", "List", "Tagging")],
    "DVC_S3": [f"{act}:dvc" for act in ("Read", "Write", "List", "Tagging")],
}
HEAD = "# Made by `make stack`. Git ignores it. docs/deployment.md has every name that may stand here.\n"


class StackError(Exception):
    """Something that a person can mend, in one sentence."""


def engine() -> list[str]:
    """The command of a compose that works. Raises StackError where the machine has none."""
    for command in ENGINES:
        if shutil.which(command[0]):
            asked = subprocess.run([*command, "version"], capture_output=True, check=False)
            if not asked.returncode:
                return command
    raise StackError(
        "the stack needs docker with its plugin compose, or podman with podman-compose, and this machine has neither; "
        "docs/deployment.md says how to do without"
    )


def set_up(deploy: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Make what is missing of .env and secrets/; the settings of .env. environment: has the first values."""
    settings = read_settings(deploy / ".env")
    fresh = {name: environment[name] for name in ("STACK_HOST", "STACK_ADDRESS") if environment.get(name)}
    fresh |= {name: secrets.token_urlsafe(24) for name in PASSWORDS}
    for name in S3_KEYS:
        fresh |= {f"{name}_KEY": secrets.token_hex(10), f"{name}_SECRET": secrets.token_urlsafe(30)}
    missing = {name: value for name, value in fresh.items() if name not in settings}
    if missing:
        settings |= missing
        lines = "".join(f"{name}={value}\n" for name, value in missing.items())
        text = (deploy / ".env").read_text(encoding="utf-8") if (deploy / ".env").exists() else HEAD
        write_private(deploy / ".env", text + lines)
    _secrets(deploy / "secrets", settings)
    return settings


def read_settings(path: Path) -> dict[str, str]:
    """The lines NAME=value; {} where there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _secrets(folder: Path, settings: Mapping[str, str]) -> None:
    """Files that containers read under users of their own: readable, in a folder that only its owner may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "s3.json").write_text(json.dumps(s3_identities(settings), indent=2) + "\n", encoding="utf-8")
    (folder / "htpasswd").write_text(f"team:{hashed(settings['REGISTRY_PASSWORD'])}\n", encoding="utf-8")
    if not (folder / "tls.crt").exists():
        certificate(folder, settings.get("STACK_HOST", "localhost"))
    for file in folder.iterdir():
        file.chmod(0o644)


def s3_identities(settings: Mapping[str, str]) -> dict[str, list[dict[str, object]]]:
    """The store's users, as `weed -s3.config` reads them."""
    keys = {name: {"accessKey": settings[f"{name}_KEY"], "secretKey": settings[f"{name}_SECRET"]} for name in MAY}
    return {"identities": [{"name": name, "credentials": [keys[name]], "actions": MAY[name]} for name in MAY]}


def hashed(password: str) -> str:
    """For nginx. SHA-1 is enough for random passwords of 192 bits, and every build of nginx knows it."""
    salt = secrets.token_bytes(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()  # noqa: S324


def certificate(folder: Path, host: str) -> None:
    """A self-signed one for `host`, with openssl. Raises StackError where there is none."""
    if not shutil.which("openssl"):
        raise StackError(f"put a certificate and its key into {folder} as tls.crt and tls.key, or install openssl")
    names = [f"{_kind(host)}:{host}", "DNS:localhost", "DNS:proxy", "IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "825", "-subj", f"/CN={host}", "-addext", "subjectAltName=" + ",".join(dict.fromkeys(names))]
    command += ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"openssl made no certificate for STACK_HOST={host}: {done.stderr.strip().splitlines()[-1]}")


def _kind(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "DNS"
    return "IP"


def write_private(path: Path, text: str) -> None:
    """Readable by its owner only, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(0o600)


def compose(command: Sequence[str], words: Sequence[str]) -> int:
    words = [*words, "--detach", "--build", "--remove-orphans"] if list(words) == ["up"] else words
    arguments = ["--file", str(DEPLOY / "compose.yaml"), "--env-file", str(DEPLOY / ".env"), *words]
    return subprocess.run([*command, *arguments], check=False).returncode


def addresses(settings: Mapping[str, str]) -> str:
    host = settings.get("STACK_HOST", "localhost")
    ports = (("SERVICE", 8443), ("REGISTRY", 5443), ("STORE", 9443), ("WATCH", 3443))
    at = {name: f"https://{host}:{settings.get(f'{name}_PORT', port)}" for name, port in ports}
    return (
        f"the service {at['SERVICE']} (X-API-Key: CXR_API_KEY), MLflow {at['REGISTRY']} (team, REGISTRY_PASSWORD), "
        f"the store {at['STORE']} (DVC_S3_KEY, DVC_S3_SECRET), Grafana {at['WATCH']} (admin, GRAFANA_PASSWORD); "
        "the passwords are in deploy/.env"
    )


def main(words: Sequence[str]) -> int:
    words = words or ["up"]
    try:
        command = engine()
        settings = set_up(DEPLOY, os.environ)
    except StackError as fault:
        sys.exit(f"stack: {fault}")
    status = compose(command, words)
    if not status and list(words) == ["up"]:
        sys.stdout.write(f"stack: {addresses(settings)}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
