"""Replicas that go away. Last of the folder: afterwards none is left."""

import signal

import psutil
import pytest

from tests.deploy.conftest import Proxy, Replicas
from tests.serving.xrays import picture, text_of

pytestmark = pytest.mark.slow
GOOD = {"image": text_of(picture())}


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    for member in [process, *process.children(recursive=True)]:
        member.send_signal(signal.SIGKILL)


def test_one_replica_is_killed_and_the_other_answers_everything(proxy: Proxy, replicas: Replicas):
    with proxy.client("service") as client:
        before = [client.post("/predict", json=GOOD).status_code for _ in range(4)]
        kill(replicas.processes[0].pid)
        after = [client.post("/predict", json=GOOD).status_code for _ in range(20)]
        kill(replicas.processes[1].pid)
        none_left = client.post("/predict", json=GOOD)
    assert set(before + after) == {200}
    assert none_left.status_code == 503
    assert none_left.json()["error"]["code"] == "overloaded"
    assert int(none_left.headers["Retry-After"]) >= 1
