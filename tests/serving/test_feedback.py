"""Outcomes in the service: an id for each answer, POST /feedback behind a key, and what Prometheus reads of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cxr.outcomes.recorder import OutcomeRecorder
from cxr.outcomes.records import TRUTHS, new_id, setup_of, text_of_id
from cxr.outcomes.store import DAYS_OPEN, OutcomeStore
from serving.app import create_app, create_context
from serving.champion import Champion
from serving.feedback import open_outcomes
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError
from tests.outcomes.made import fill, said
from tests.serving.conftest import WEB, running
from tests.serving.test_errors import code_of
from tests.serving.test_watching import series
from tests.serving.xrays import BLANK, picture, text_of

KEY = "k" * 16
Served = tuple[httpx.Client, OutcomeRecorder]


@contextlib.contextmanager
def served(champion: Champion, settings: Settings) -> Iterator[Served]:
    """A client with the key, of a service that takes outcomes, and its recorder."""
    metrics = Metrics()
    outcomes = open_outcomes(settings, metrics, champion)
    assert outcomes is not None
    app = create_app(create_context(settings, champion, metrics, outcomes=outcomes), WEB)
    keyed = {"X-API-Key": KEY}
    with (
        running(app, settings) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, headers=keyed) as client,
    ):
        yield client, outcomes
    outcomes.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def service(champion: Champion, folder: Path) -> Iterator[Served]:
    with served(champion, Settings(feedback=str(folder / "feedback.db"), api_key=KEY)) as both:
        yield both


def asked(client: httpx.Client, data: bytes = b"") -> str:
    return client.post("/predict", json={"image": text_of(data or picture())}).json()["id"]


def tell(client: httpx.Client, number: object, outcome: object = "positive", **more: object) -> httpx.Response:
    return client.post("/feedback", json={"id": number, "outcome": outcome, **more})


def truths(folder: Path, champion: Champion) -> dict[str, int]:
    facts = champion.facts
    counts = OutcomeStore(folder / "feedback.db").counts(setup_of(facts.name, facts.version, None))
    return {truth: sum(n for cell, n in counts.items() if TRUTHS[cell.truth] == truth) for truth in TRUTHS}


def test_each_answer_has_its_own_id_in_its_body_and_in_a_header(service: Served) -> None:
    client, _ = service
    one = client.post("/predict", json={"image": text_of(picture())})
    assert one.json()["id"] == one.headers["X-Answer-Id"]
    file = client.post("/predict", content=BLANK, headers={"Content-Type": "image/png"})
    assert (file.json()["state"], file.json()["id"]) == ("Refused", file.headers["X-Answer-Id"])
    batch = client.post("/predict/batch", json={"images": [text_of(picture()), "nonsense!", text_of(picture())]})
    first, wrong, last = batch.json()["results"]
    assert "id" not in wrong
    old = client.post("/sendbase64", json={"pic": text_of(picture())})
    assert set(old.json()) == {"percentage"}
    form = client.post("/upload", files={"pic": picture()})
    heads = [old.headers["X-Answer-Id"], form.headers["X-Answer-Id"]]
    assert len({one.json()["id"], file.json()["id"], first["id"], last["id"], *heads}) == 6
    assert all(tell(client, number).status_code == 200 for number in heads)


def test_without_the_setting_no_answer_has_an_id_and_no_outcome_is_taken(client: httpx.Client) -> None:
    answer = client.post("/predict", json={"image": text_of(picture())})
    assert "id" not in answer.json()
    assert "X-Answer-Id" not in answer.headers
    assert code_of(tell(client, text_of_id(new_id()))) == (403, "feedback_off")


def test_without_a_key_answers_have_ids_and_the_route_is_off_and_says_so(
    champion: Champion, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(champion, Settings(feedback=str(tmp_path / "feedback.db"))) as (client, _):
        refused = tell(client, asked(client))
    assert code_of(refused) == (403, "feedback_off")
    assert "CXR_KEYS" in refused.json()["error"]["message"]
    assert "POST /feedback stays off" in caplog.text


def test_an_outcome_wants_the_key_is_told_as_often_as_one_likes_and_the_last_one_holds(
    service: Served, folder: Path, champion: Champion
) -> None:
    client, _ = service
    number = asked(client)
    assert code_of(httpx.post(f"{client.base_url}/feedback", json={})) == (401, "unauthorised")
    before = truths(folder, champion)
    for _ in range(2):
        answer = tell(client, number)
        assert (answer.status_code, answer.json()) == (200, {"id": number, "outcome": "positive"})
    assert truths(folder, champion)["positive"] == before["positive"] + 1
    assert tell(client, number, "negative").status_code == 200
    assert tell(client, number, "unknown").status_code == 200
    after = truths(folder, champion)
    assert (after["positive"], after["unknown"]) == (before["positive"], before["unknown"] + 1)


@pytest.mark.parametrize(
    ("number", "outcome", "more"),
    [
        ("Mustermann", "positive", {}),
        ("a" + "0" * 32, "COVID", {}),
        ("a" + "0" * 32, None, {}),
        (7, "positive", {}),
        ("a" + "0" * 32, "positive", {"name": "Mustermann"}),
    ],
)
def test_a_wrong_value_is_a_wrong_field(service: Served, number: object, outcome: object, more: dict) -> None:
    answer = tell(service[0], number, outcome, **more)
    assert code_of(answer) == (422, "invalid_field")
    assert "Mustermann" not in answer.text


def test_an_id_that_is_none_and_one_that_is_too_old_have_codes(service: Served, folder: Path) -> None:
    client, outcomes = service
    assert code_of(tell(client, text_of_id(new_id()))) == (404, "unknown_id")
    (old,) = fill(
        OutcomeStore(folder / "feedback.db"), [(said(0.9, None), None)], hour=outcomes.hour - 24 * DAYS_OPEN - 1
    )
    assert code_of(tell(client, text_of_id(old))) == (410, "expired_id")


def test_prometheus_reads_what_the_outcomes_say(champion: Champion, tmp_path: Path) -> None:
    with served(champion, Settings(feedback=str(tmp_path / "feedback.db"), api_key=KEY)) as (client, outcomes):
        numbers = [asked(client, picture(seed)) for seed in (0, 1, 2)]
        assert tell(client, numbers[0]).status_code == 200
        outcomes.flush()
        lines = client.get("/metrics").text.splitlines()
        assert series(client, "cxr_outcomes_failures") == {(): 0}
    assert 'cxr_outcomes_answers{outcome="none"} 2.0' in lines
    assert 'cxr_outcomes_answers{outcome="positive"} 1.0' in lines
    assert any(line.startswith('cxr_outcomes_figure{figure="sensitivity",of="low"} 0.') for line in lines)


def test_a_store_that_cannot_be_written_stops_no_answer_and_an_outcome_comes_again(
    champion: Champion, tmp_path: Path
) -> None:
    path = tmp_path / "feedback.db"
    path.mkdir()
    with served(champion, Settings(feedback=str(path), api_key=KEY)) as (client, outcomes):
        number = asked(client)
        late = tell(client, number)
        assert code_of(late) == (503, "feedback_unavailable")
        assert int(late.headers["Retry-After"]) > 0
        assert series(client, "cxr_outcomes_failures")[()] >= 1
        path.rmdir()
        outcomes.flush()
        assert tell(client, number).status_code == 200


def test_a_folder_that_is_not_there_is_said_at_the_start(champion: Champion, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CXR_FEEDBACK"):
        open_outcomes(Settings(feedback=str(tmp_path / "none" / "feedback.db")), Metrics(), champion)
    assert open_outcomes(Settings(), Metrics(), champion) is None
