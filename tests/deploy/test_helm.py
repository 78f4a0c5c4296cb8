"""deploy/helm, rendered by Helm itself and held to Kubernetes' schemas."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml

from serving.settings import Settings
from tests.deploy.programs import DEPLOY

CHART = DEPLOY / "helm"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
KUBERNETES = "1.33"
TRACKING = {"model": {"trackingUri": "https://mlflow.clinic.example"}}
CASES: dict[str, dict[str, Any]] = {
    "registry": TRACKING,
    "registry, not followed": {
        "model": {**TRACKING["model"], "follow": False, "credentialsSecret": "mlflow-team"},
        "imagePullSecrets": [{"name": "pull"}],
    },
    "bento": {"model": {"source": "bento"}, "autoscaling": {"enabled": False}, "user": 1034},
    "volume": {"model": {"source": "volume", "claimName": "models"}, "nodeSelector": {"disk": "ssd"}},
    "everything": {
        "mlflow": {"enabled": True, "s3": {"endpoint": "https://s3.clinic.example"}, "allowedHosts": "a.example"},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "ingress": {"enabled": True},
        "apiKeySecret": "one-key",
        "keysSecret": "keys",
        "siteConfigMap": "profile",
        "settings": {"CXR_MAX_REQUESTS": "8"},
        "podAnnotations": {"a": "b"},
        "tolerations": [{"key": "cpu", "operator": "Exists"}],
        "networkPolicy": {
            "from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
            "trackingTo": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
        },
    },
}
Render = Callable[[dict[str, Any]], list[dict[str, Any]]]


def by_program(helm: str) -> Render:
    def render(values: dict[str, Any]) -> list[dict[str, Any]]:
        command = [helm, "template", "here", str(CHART), "--namespace", "clinic", "--values", "-"]
        done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return render


# Helm as a library brings Go's runtime along, which now and then ends a process that has many threads already.
BY_LIBRARY = """
import json, sys
import helm_python

with helm_python.Chart.load(sys.argv[1]) as chart:
    values = json.load(sys.stdin)
    try:
        chart.validate_schema(values)
        files = chart.render(values, name="here", namespace="clinic")
    except ValueError as fault:
        sys.exit(str(fault))
json.dump(files, sys.stdout)
"""


def by_library(values: dict[str, Any]) -> list[dict[str, Any]]:
    command = [sys.executable, "-c", BY_LIBRARY, str(CHART)]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr)
    texts = [text for name, text in json.loads(done.stdout).items() if name.endswith(".yaml")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module")
def render() -> Render:
    helm = shutil.which("helm")
    if helm:
        return by_program(helm)
    if importlib.util.find_spec("helm_python") is None:
        pytest.skip("no helm, and no helm-python-sdk (tests/deploy/helm.txt)")
    return by_library


def of_kind(documents: list[dict[str, Any]], kind: str, end: str = "covid-cxr") -> dict[str, Any]:
    return next(item for item in documents if item["kind"] == kind and item["metadata"]["name"].endswith(end))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_kubernetes_takes_what_helm_renders(render: Render, case: dict[str, Any]):
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="no kubernetes-validate: the extra dev has it"
    )
    documents = render(case)
    for document in documents:
        if document["kind"] == "ServiceMonitor":  # the Prometheus operator's own
            assert document["apiVersion"] == "monitoring.coreos.com/v1"
            continue
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    kinds = {document["kind"] for document in documents}
    assert {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"} <= kinds
    assert ("HorizontalPodAutoscaler" in kinds) == ("replicas" not in of_kind(documents, "Deployment")["spec"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_container_is_confined_and_probed(render: Render, case: dict[str, Any]):
    for document in render(case):
        if document["kind"] != "Deployment":
            continue
        pod = document["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
            assert "memory" in container["resources"]["limits"]
        assert all({"startupProbe", "readinessProbe", "livenessProbe"} <= set(each) for each in pod["containers"])


def test_a_pod_gets_its_model_as_the_values_say(render: Render):
    def pod(values: dict[str, Any]) -> dict[str, Any]:
        return of_kind(render(values), "Deployment")["spec"]["template"]["spec"]

    followed, once = pod(CASES["registry"]), pod(CASES["registry, not followed"])
    assert followed["initContainers"][0]["restartPolicy"] == "Always"
    assert "restartPolicy" not in once["initContainers"][0]
    assert once["initContainers"][0]["envFrom"] == [{"secretRef": {"name": "mlflow-team"}}]
    mounted = {mount["name"]: mount for mount in followed["containers"][0]["volumeMounts"]}
    assert mounted["champion"] == {"name": "champion", "mountPath": "/champion", "readOnly": True}
    assert "initContainers" not in pod(CASES["bento"])
    assert "champion" not in {volume["name"] for volume in pod(CASES["bento"])["volumes"]}
    claims = [volume.get("persistentVolumeClaim") for volume in pod(CASES["volume"])["volumes"]]
    assert {"claimName": "models", "readOnly": True} in claims


def test_the_names_in_the_chart_fit_each_other(render: Render):
    documents = render(CASES["everything"])
    pod = of_kind(documents, "Deployment")["spec"]["template"]
    labels = pod["metadata"]["labels"].items()
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"):
        spec = of_kind(documents, kind)["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        assert (selector.get("matchLabels") or selector).items() <= labels
    target = of_kind(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == of_kind(documents, "Deployment")["metadata"]["name"]
    uri = {item["name"]: item.get("value") for item in pod["spec"]["initContainers"][0]["env"]}["MLFLOW_TRACKING_URI"]
    assert uri == f"http://{of_kind(documents, 'Service', '-mlflow')['metadata']['name']}:5000"


def test_only_the_service_s_pods_reach_mlflow_and_whom_one_names(render: Render):
    ingress = [{"namespaceSelector": {"matchLabels": {"name": "team"}}}]
    documents = render({"mlflow": {"enabled": True}, "networkPolicy": {"mlflowFrom": ingress}})
    policy = of_kind(documents, "NetworkPolicy", "-mlflow")["spec"]
    labels = of_kind(documents, "Deployment", "-mlflow")["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"] == labels
    (rule,) = policy["ingress"]
    own, *others = rule["from"]
    assert own["podSelector"] == of_kind(documents, "Deployment")["spec"]["selector"]
    assert others == ingress


def test_the_ingress_lets_the_metrics_out_to_nobody(render: Render):
    documents = render(CASES["everything"])
    paths = of_kind(documents, "Ingress")["spec"]["rules"][0]["http"]["paths"]
    behind = {path["path"]: path["backend"]["service"]["name"] for path in paths}
    assert "selector" not in of_kind(documents, "Service", behind["/metrics"])["spec"]
    assert behind["/"] == of_kind(documents, "Service")["metadata"]["name"]
    annotations = of_kind(documents, "Ingress")["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == str(Settings().max_body)


def test_mlflow_runs_on_a_database_and_a_store_of_ones_own(render: Render):
    container = of_kind(render(CASES["everything"]), "Deployment", "-mlflow")["spec"]["template"]["spec"]["containers"][
        0
    ]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    address = "postgresql+psycopg2://mlflow:$(POSTGRES_PASSWORD)@postgres.example:5432/mlflow"
    assert variables["MLFLOW_BACKEND_STORE_URI"] == address
    names = [item["name"] for item in container["env"]]
    assert names.index("POSTGRES_PASSWORD") < names.index("MLFLOW_BACKEND_STORE_URI")  # else it stays a text
    assert variables["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.clinic.example"
    assert container["envFrom"] == [{"secretRef": {"name": "mlflow-s3"}}]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "model.trackingUri"),
        ({"model": {"source": "volume"}}, "model.claimName"),
        ({"model": {"source": "ftp"}}, "source"),
        ({**TRACKING, "settings": {"CXR_MAX_REQESTS": "8"}}, "CXR_MAX_REQESTS"),
        ({**TRACKING, "replica": 3}, "replica"),
    ],
)
def test_a_wrong_value_is_refused_by_name(render: Render, wrong: dict[str, Any], words: str):
    with pytest.raises(Exception, match=words):  # Helm's, by whichever way it is asked
        render(wrong)


def test_the_schema_takes_the_values_and_knows_every_one_of_them():
    jsonschema.validate(VALUES, SCHEMA)
    assert set(SCHEMA["properties"]) == {*VALUES, "global"}
    apart = {"CXR_MODEL", "CXR_API_KEY", "CXR_KEYS", "CXR_SITE"}  # which have values of their own
    known = {setting.metadata["variable"] for setting in Settings.__dataclass_fields__.values()}
    assert set(SCHEMA["properties"]["settings"]["propertyNames"]["enum"]) == known - apart
