"""deploy/compose.yaml and deploy/Dockerfile, as far as they can be checked without an engine."""

import json
import re
from typing import Any

import pytest
import yaml

from serving.settings import Settings, read_settings
from tests.deploy.programs import DEPLOY, ROOT
from tools import stack

TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
STACK = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
ONCE = {"buckets"}  # services that end
FIXED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-alpine)?")


def test_it_is_a_compose_file():
    """To the parser of the package compose-spec. YAML's merges are done before, as an engine does them."""
    compose_spec = pytest.importorskip("compose_spec", reason="compose-spec is not installed: the extra dev brings it")
    compose_spec.PyCompose.from_json(json.dumps(yaml.safe_load(filled(TEXT)))).validate()


def filled(text: str) -> str:
    """With each ${NAME:-default} and ${NAME:?message} as an engine fills them in."""
    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda found: found[3] if found[2] == "-" else "secret", text)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str):
    image = SERVICES[name]["image"]
    if not image.startswith("covid-cxr-"):
        assert FIXED.fullmatch(image), image
        return
    builders = [other for other in SERVICES.values() if other["image"] == image and "build" in other]
    assert len(builders) == 1  # and nobody looks for it elsewhere
    assert "build" in SERVICES[name] or SERVICES[name]["pull_policy"] == "never"


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_little(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("0", "root", "")
    assert "privileged" not in service
    assert "network_mode" not in service


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_a_container_that_runs_on_has_a_health_check(name: str):
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_only_the_proxy_is_published_and_on_this_machine_alone_unless_told():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["proxy"]
    assert all(port.startswith("${STACK_ADDRESS:-127.0.0.1}:") for port in published["proxy"])


def networks_of(name: str) -> set[str]:
    return set(SERVICES[name]["networks"])


def test_the_networks_keep_apart_what_has_nothing_to_say_to_each_other():
    assert [name for name, network in STACK["networks"].items() if not (network or {}).get("internal")] == ["edge"]
    assert [name for name in SERVICES if "edge" in networks_of(name)] == ["proxy"]
    assert networks_of("service-1") == networks_of("service-2") == {"answer"}
    assert {name for name in SERVICES if "database" in networks_of(name)} == {"postgres", "mlflow"}
    for replica in ("service-1", "service-2"):
        for other in ("postgres", "store", "mlflow", "grafana", "deliver"):
            assert not networks_of(replica) & networks_of(other)


def test_the_fixed_addresses_are_those_that_nginx_is_told():
    told = dict(line.split(":", 1) for line in SERVICES["proxy"]["extra_hosts"])
    given = {
        name: place["ipv4_address"]
        for name, service in SERVICES.items()
        if isinstance(service["networks"], dict)
        for place in service["networks"].values()
        if place
    }
    assert told == given
    text = (DEPLOY / "nginx/places/http.conf").read_text()
    assert set(re.findall(r"server ([\w-]+):\d+", text)) == set(told)


def test_the_proxy_has_room_for_the_bodies_that_it_lets_in():
    text = (DEPLOY / "nginx/nginx.conf").read_text()
    (most,), (body,) = (re.findall(name + r" (\d+);", text) for name in ("limit_conn doors", "client_body_buffer_size"))
    limit = SERVICES["proxy"]["mem_limit"]
    assert limit.endswith("m")
    assert int(most) * int(body) < 0.9 * (int(limit[:-1]) << 20)


def test_the_replicas_read_the_models_and_one_writes_them():
    assert SERVICES["service-1"]["volumes"] == SERVICES["service-2"]["volumes"] == ["champion:/champion:ro"]
    assert SERVICES["deliver"]["volumes"] == ["champion:/champion"]
    assert SERVICES["deliver"]["user"] == SERVICES["service-1"]["user"]  # BentoML's files are their owner's alone


def test_no_password_is_written_down():
    for name, value in re.findall(r"^\s+(\w*(?:PASSWORD|SECRET|KEY|KEY_ID)\w*): (.*)$", TEXT, re.MULTILINE):
        assert value.startswith("${"), name
    wanted = set(re.findall(r"\$\{(\w+):\?", TEXT))
    made = {*stack.PASSWORDS, *(f"{name}_{part}" for name in stack.S3_KEYS for part in ("KEY", "SECRET"))}
    assert wanted <= made


def test_the_files_that_are_mounted_are_there():
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    ours = [path for path in mounted if path.startswith("./") and not path.startswith("./secrets/")]
    assert ours
    assert all((DEPLOY / path).exists() for path in ours)
    named = {path for path in mounted if not path.startswith("./")}
    assert named == set(STACK["volumes"])


def test_the_replicas_settings_are_settings_of_the_service():
    variables = SERVICES["service-1"]["environment"]
    known = {setting.metadata["variable"] for setting in Settings.__dataclass_fields__.values()}
    assert set(variables) <= known
    filled_in = yaml.safe_load(filled(yaml.safe_dump(variables)))
    assert read_settings({name: value or "" for name, value in filled_in.items()} | {"CXR_WORKERS": "1"})


def test_what_the_dockerfile_copies_is_there_and_let_through():
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert all((ROOT / path).exists() for path in copied)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    assert set(copied) == let_through
    targets = set(re.findall(r"^FROM base AS (\w+)$", text, re.MULTILINE))
    assert targets == {service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert text.count("\nUSER 10001\n") == len(targets)
