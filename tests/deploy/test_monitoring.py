"""Prometheus with the stack's own configuration: its rules, its targets, the dashboard's queries."""

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema
import numpy as np
import pytest
import yaml

from serving.metrics import Metrics
from tests.deploy.conftest import Proxy, Replicas
from tests.deploy.programs import DEPLOY, ROOT, answers, free_ports, program, running, wait_for
from tests.serving.xrays import encoded, picture, text_of

PROMETHEUS = DEPLOY / "prometheus"
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/covid-cxr.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
# What is not ours: Prometheus' own, the prober's, and SeaweedFS' as its source has it (weed/stats/metrics.go).
FOREIGN = {"up", "probe_success", "probe_ssl_earliest_cert_expiry", "SeaweedFS_volumeServer_resource"}
NAME = re.compile(r"\b(?:cxr_\w+|probe_\w+|SeaweedFS_\w+|up)\b(?=[{\s\[)]|$)")
# What Grafana's documentation calls the fields of a dashboard ("JSON model"), as far as they are used.
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos", "targets", "datasource"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["timeseries", "stat", "table"]},
        "title": {"type": "string", "minLength": 1},
        "gridPos": {
            "type": "object",
            "required": ["x", "y", "w", "h"],
            "properties": {
                "x": {"type": "integer", "minimum": 0, "maximum": 23},
                "w": {"type": "integer", "minimum": 1, "maximum": 24},
            },
        },
        "targets": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["expr", "refId", "datasource"]},
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "time", "templating", "annotations"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "minItems": 1, "items": PANEL},
    },
}


def names_in(expression: str) -> set[str]:
    without_labels = re.sub(r"\{[^}]*\}", "{", expression)
    return set(NAME.findall(without_labels))


def our_names() -> set[str]:
    """As Prometheus sees them: counters end in _total, histograms have buckets."""
    families = list(Metrics()._registry.collect())
    ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "gauge": [""]}
    return {family.name + end for family in families for end in ends[family.type]}


@pytest.mark.parametrize("expression", [*QUERIES, *(rule["expr"] for rule in RULES)])
def test_every_query_asks_for_metrics_that_there_are(expression: str):
    assert names_in(expression)
    assert names_in(expression) <= our_names() | FOREIGN


def test_the_dashboard_is_one_that_grafana_takes():
    jsonschema.validate(DASHBOARD, SCHEMA)
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}


def test_no_two_panels_lie_on_each_other():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_every_alert_is_tested_where_it_fires_and_where_it_does_not():
    tests = yaml.safe_load((ROOT / "tests/deploy/alert_tests.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for rule in RULES:
        fired = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == rule["alert"]]
        assert True in fired, rule["alert"]
        if rule["alert"] not in ("CxrUnreachable",):
            assert False in fired, rule["alert"]


def test_promtool_finds_nothing_wrong(tmp_path: Path):
    promtool = program("promtool")
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    shutil.copy(ROOT / "tests/deploy/alert_tests.yml", tmp_path)
    for words in (["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"]):
        subprocess.run([promtool, *words], cwd=tmp_path, check=True, capture_output=True)
    command = [promtool, "test", "rules", "alert_tests.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, proxy: Proxy, replicas: Replicas, echo: int
) -> Iterator[httpx.Client]:
    """Prometheus and the prober. Only the addresses in targets/ and the seconds between scrapes differ."""
    commands = [program("prometheus"), program("prometheus-blackbox-exporter")]
    folder = tmp_path_factory.mktemp("prometheus")
    port, probe, nobody = free_ports(3)
    shutil.copytree(PROMETHEUS, folder, dirs_exist_ok=True)
    configuration = (PROMETHEUS / "prometheus.yml").read_text().replace("_interval: 15s", "_interval: 1s")
    (folder / "prometheus.yml").write_text(configuration)
    here = {f"service-{number}:3000": f"127.0.0.1:{at}" for number, at in enumerate(replicas.ports, 1)}
    here |= {"probe:9115": f"127.0.0.1:{probe}", "proxy:8443": f"127.0.0.1:{proxy.ports['service']}"}
    here |= {"mlflow:5000": f"127.0.0.1:{echo}", "store:9327": f"127.0.0.1:{nobody}"}
    for file in (folder / "targets").iterdir():
        text = file.read_text()
        for there, address in here.items():
            text = text.replace(there, address)
        file.write_text(text)
    prober = [commands[1], f"--config.file={DEPLOY}/blackbox/blackbox.yml", f"--web.listen-address=127.0.0.1:{probe}"]
    server = [commands[0], f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    server += [f"--web.listen-address=127.0.0.1:{port}"]
    address = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(prober, folder / "prober.log"))
        stack.enter_context(running(server, folder / "log"))
        wait_for(lambda: answers(f"{address}/-/ready"), folder / "log")
        yield stack.enter_context(httpx.Client(base_url=address, timeout=30))


def asked(prometheus: httpx.Client, query: str) -> list[dict]:
    answer = prometheus.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


@pytest.mark.slow
def test_prometheus_sees_both_replicas_ready_and_the_door_open(prometheus: httpx.Client):
    for query, number in (
        ('up{job="service"} == 1', 2),
        ('probe_success{job="ready"} == 1', 2),
        ('probe_success{job="door"} == 1', 1),
        ("probe_ssl_earliest_cert_expiry", 1),
        ("cxr_model_info == 1", 2),
        ('up{job="store"} == 0', 1),  # there is none here
    ):
        wait_for(lambda query=query, number=number: len(asked(prometheus, query)) == number, within_s=60)


@pytest.mark.slow
def test_every_query_of_ours_is_answered_by_the_running_service(
    prometheus: httpx.Client, proxy: Proxy, replicas: Replicas
):
    left = np.zeros((64, 64), np.uint8)
    left[:, :32] = 200  # what the tiny gate takes for a lateral view
    with proxy.client("service") as client:
        for body in ({"image": text_of(picture())}, {"image": text_of(encoded(left))}, {"image": "nonsense!"}):
            client.post("/predict", json=body)
            client.post("/predict/batch", json={"images": [body["image"]]})
    wanted = {name for name in set().union(*map(names_in, QUERIES)) if name.startswith("cxr_")}

    def there() -> set[str]:
        return set(prometheus.get("/api/v1/label/__name__/values").json()["data"])

    wait_for(lambda: wanted <= there(), within_s=60)
    for query in [*QUERIES, *(rule["expr"] for rule in RULES)]:
        asked(prometheus, query)


@pytest.mark.slow
def test_the_rules_are_loaded_and_calm(prometheus: httpx.Client):
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert set(rules) == {rule["alert"] for rule in RULES}
    wait_for(lambda: asked(prometheus, 'up{job="service"}'), within_s=60)
    assert not asked(prometheus, 'ALERTS{alertname=~"CxrServiceDown|CxrNotReady|CxrErrors|CxrVersionsDiffer"}')
