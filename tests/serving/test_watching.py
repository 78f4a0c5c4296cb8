"""The watch in the service: what it counts, that it stops no answer, and that no file of it knows a patient."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cxr.outcomes.command import command as feedback
from cxr.watch.command import command
from cxr.watch.recorder import Recorder
from cxr.watch.store import Key, Store
from serving.app import create_app, create_context
from serving.feedback import open_outcomes
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError, read_settings
from serving.watching import open_recorder
from tests.fuzz.samples import dicom
from tests.serving.conftest import WEB, running
from tests.serving.xrays import BLANK, grey, picture, text_of

ANSWERED = 6  # statistics of an answer of the tiny model, which knows no familiarity: all but that, and triage


@contextlib.contextmanager
def watched(champion, settings: Settings, metrics: Metrics) -> Iterator[tuple[httpx.Client, Recorder]]:
    """A client of a service with the watch on, and its recorder."""
    recorder = open_recorder(settings, metrics)
    assert recorder is not None
    outcomes = open_outcomes(settings, metrics, champion)
    app = create_app(create_context(settings, champion, metrics, watch=recorder.note, outcomes=outcomes), WEB)
    with running(app, settings) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        client.headers["X-API-Key"] = settings.api_key
        yield client, recorder
    recorder.stop()
    if outcomes is not None:
        outcomes.stop()


def series(client: httpx.Client, start: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    found = (sample for family in families for sample in family.samples if sample.name.startswith(start))
    return {
        tuple(sample.labels[name] for name in ("statistic", "bin") if name in sample.labels): sample.value
        for sample in found
        if "_created" not in sample.name
    }


def test_answers_are_counted_in_the_store_and_for_prometheus(champion, tmp_path: Path) -> None:
    settings = Settings(watch=str(tmp_path / "watch.db"))
    with watched(champion, settings, Metrics()) as (client, _):
        for data in (picture(), picture(2, "JPEG"), BLANK):
            client.post("/predict", json={"image": text_of(data)})
        counted = series(client, "cxr_watch_pictures")
    assert counted["coding", "PNG"] == 2
    assert counted["gate", "blank"] == 1
    hours = Store(tmp_path / "watch.db").unseen()
    assert sum(int(counts.sum()) for counts in hours.values()) == 2 * (ANSWERED + 1) + ANSWERED


def test_what_the_last_look_found_is_a_metric(champion, tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    settings = Settings(watch=str(path))
    with watched(champion, settings, Metrics()) as (client, recorder):
        assert series(client, "cxr_watch_last_look") == {(): 0}
        Store(path).add({Key(480_000 + hour, "", 6, place): 40 for hour in range(5) for place in (hour // 3,)})
        assert command(["--store", str(path)]) == 1
        recorder.flush()
        shown = series(client, "cxr_watch_alarm")
        assert series(client, "cxr_watch_last_look")[()] > 1e9
    assert shown["coding",] == 1
    assert shown["gate",] == 0


def test_a_store_that_cannot_be_written_stops_no_answer_and_is_counted(champion, tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    path.mkdir()
    with watched(champion, Settings(watch=str(path)), Metrics()) as (client, recorder):
        assert client.post("/predict", json={"image": text_of(picture())}).status_code == 200
        recorder.flush()
        assert series(client, "cxr_watch_failures")[()] == 1


def test_a_folder_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CXR_WATCH"):
        open_recorder(Settings(watch=str(tmp_path / "none" / "watch.db")), Metrics())
    assert open_recorder(Settings(), Metrics()) is None


def test_too_many_devices_are_refused() -> None:
    assert read_settings({"CXR_WATCH_DEVICES": "Acme  XR 1;"}).watch_devices == ("acme xr 1",)
    with pytest.raises(SettingsError, match="CXR_WATCH_DEVICES"):
        read_settings({"CXR_WATCH_DEVICES": ";".join(map(str, range(20)))})


MARKS = ("Mustermann", "Erika", "PID4711", "19700101", "ACC0815", "1.2.840.99.7", "St. Nowhere", "secret-file-name")


def marked() -> bytes:
    """A DICOM file that names a patient wherever a header may, in its device's name too."""
    return dicom(
        grey(2),
        PatientName="Mustermann^Erika",
        PatientID="PID4711",
        PatientBirthDate="19700101",
        AccessionNumber="ACC0815",
        StudyInstanceUID="1.2.840.99.7",
        InstitutionName="St. Nowhere",
        Manufacturer="Mustermann",
        ManufacturerModelName="Erika PID4711",
    )


def test_no_file_of_the_service_holds_a_name_an_identifier_or_a_picture(
    champion,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = marked()
    settings = Settings(
        watch=str(tmp_path / "watch.db"),
        watch_devices=("acme xr 1",),
        feedback=str(tmp_path / "feedback.db"),
        api_key="k" * 16,
    )
    with caplog.at_level("DEBUG"), watched(champion, settings, Metrics()) as (client, recorder):
        number = client.post("/predict", json={"image": text_of(data)}).json()["id"]
        client.post("/upload", files={"pic": ("secret-file-name-Mustermann.dcm", data)})
        assert client.post("/feedback", json={"id": number, "outcome": "positive"}).status_code == 200
        for wrong in ({"id": "PID4711"}, {"outcome": "Mustermann"}, {"PatientName": "Mustermann^Erika"}):
            told = client.post("/feedback", json={"id": number, "outcome": "positive", **wrong})
            assert told.status_code == 422
            assert not any(mark in told.text for mark in MARKS)
        recorder.flush()
        lines = client.get("/metrics").content + caplog.text.encode()
        kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())  # the log of SQLite too
    command(["--store", settings.watch])
    table = b"id,outcome,name\nPID4711,positive,Mustermann\n" + f"{number},negative,Erika\n".encode()
    Path("results.csv").write_bytes(table)
    assert feedback(["results.csv", "--store", settings.feedback, "--report"]) == 1
    Path("results.csv").unlink()  # it is the operator's, and names patients
    lines += "".join(capsys.readouterr()).encode()
    kept += b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    pixels = grey(2)
    assert len(kept) > 4096
    for mark in [*map(str.encode, MARKS), pixels[30].tobytes(), np.ascontiguousarray(pixels[:, 20]).tobytes()[:30]]:
        assert mark not in kept
        assert mark not in lines
        assert not mark.isalpha() or mark.lower() not in kept.lower()
