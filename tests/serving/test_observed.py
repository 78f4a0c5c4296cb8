"""What is counted, and what is written down: never anything that a client chose."""

import re

from prometheus_client.parser import text_string_to_metric_families

from tests.serving.xrays import BLANK, from_the_side, picture, text_of

GOOD = {"image": text_of(picture())}


def series(client) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


def test_answers_refusals_errors_and_batches_are_counted(serve):
    with serve() as client:
        state = client.post("/predict", json=GOOD).json()["state"]
        client.post("/predict", json={"image": text_of(BLANK)})
        client.post("/predict", content=b"{", headers={"Content-Type": "application/json"})
        client.post("/predict/batch", json={"images": [GOOD["image"], "!"]})
        counted = series(client)
    assert counted["cxr_answers_total", state] == 2
    assert counted["cxr_answers_total", "Refused"] == 1
    assert counted["cxr_refusals_total", "blank"] == 1
    assert counted["cxr_errors_total", "/predict", "not_json"] == 1
    assert counted["cxr_errors_total", "/predict/batch", "not_base64"] == 1
    assert counted["cxr_requests_total", "/predict", "200"] == 2
    assert counted["cxr_requests_total", "/predict", "400"] == 1
    assert counted["cxr_batch_pictures_count",] == 1
    assert counted["cxr_request_seconds_count", "/predict"] == 3


def test_refusals_are_counted_by_reason(gated):
    before = series(gated)
    for data in (BLANK, from_the_side(), from_the_side()):
        gated.post("/predict", json={"image": text_of(data)})
    after = series(gated)
    counts = {reason: after["cxr_refusals_total", reason] for reason in ("blank", "lateral")}
    assert {reason: n - before.get(("cxr_refusals_total", reason), 0) for reason, n in counts.items()} == {
        "blank": 1,
        "lateral": 2,
    }


def test_the_model_that_answers_is_shown(serve, champion):
    with serve() as client:
        shown = [name for name, value in series(client).items() if name[0] == "cxr_model_info" and value == 1]
    assert shown == []  # only service.py, which knows when the model changes, sets it


def test_unknown_paths_and_methods_do_not_become_series(serve):
    with serve() as client:
        counts = []
        for number in range(30):
            client.get(f"/nothing/{number}")
            client.request(f"X{number}", "/predict")
            counts.append(len(series(client)))
        labels = {label for key in series(client) for label in key}
    assert counts[1] == counts[-1]
    assert not any("nothing" in label for label in labels)


def test_the_log_has_routes_statuses_and_codes_only(serve, caplog):
    name = "Mustermann_Erika_1970.png"
    with caplog.at_level("DEBUG", logger="bentoml"), serve() as client:
        client.post("/predict", json=GOOD)
        client.post("/predict", json={"image": GOOD["image"][:-9] + "!"})
        client.post("/upload", files={"pic": (name, b"not a picture")})
        client.get(f"/{name}")
        client.get(f"/{GOOD['image'][:200]}")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("bentoml")]
    assert len(lines) == 5
    assert all(
        re.fullmatch(r"(GET|POST) (/predict|/upload|unknown) \d{3} ([a-z0-9_]+ )?\d+ ms", line) for line in lines
    )
    assert not any(record.exc_info for record in caplog.records)
