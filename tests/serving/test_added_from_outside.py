"""A route, a warning and a refusal that this file adds, asked over HTTP: each is one entry, and all else follows."""

import json
from pathlib import Path

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cxr.inference.predictor import Predictor
from cxr.inference.remarks import Case, Rules
from cxr.inference.rules import RULES
from serving.context import Context
from serving.openapi import openapi
from serving.requests import field
from serving.routes import ROUTES
from serving.routing import Routes
from serving.schemas import TEXT, json_of, object_of, posting, telling
from serving.settings import Settings
from tests.serving.test_observed import series
from tests.serving.xrays import BLANK, encoded, from_the_side, grey, picture, text_of
from tools.client_texts import read_texts, service_sentences

# What a contributor would add to clients/texts.json.
ADDED = {
    "warning.toy_unsure": {"en": "The toy is unsure. Ask it again.", "ar": "اللعبة غير متأكدة."},
    "refusal.toy_bright": {"en": "The picture is too bright for the toy.", "ar": "الصورة ساطعة."},
}
ASKED = text_of(picture())


@pytest.fixture(scope="module")
def rules() -> Rules:
    extended = RULES.extended(service_sentences(read_texts() | ADDED))

    @extended.warning("toy_unsure")
    def toy_unsure(case: Case) -> bool:
        return 0 < case.p_covid < 1

    @extended.refusal("toy_bright")
    def toy_bright(model: Predictor, pixels: np.ndarray) -> str | None:
        return "toy_bright" if pixels.mean() > 180 else None

    return extended


@pytest.fixture(scope="module")
def routes() -> Routes:
    extended = Routes(*ROUTES)
    said = json_of(object_of({"state": TEXT, "word": TEXT}, ["state", "word"]))
    request = json_of(object_of({"image": TEXT, "word": TEXT}, ["image", "word"]))

    @extended.post(
        "/toy",
        openapi=lambda settings: posting("The toy's state, and your word.", request, said),
        request="`{image, word}`",
        answer="`{state, word}`",
    )
    async def toy(context: Context, request: Request) -> Response:
        async with context.json(request) as fields:
            word = field(fields, "word", str)
            text = field(fields, "image", str)
            answer = await context.load.work(request, context.answer_to_text, text, False)
            return JSONResponse({"state": answer["state"], "word": word})

    return extended


@pytest.fixture(scope="module")
def toy(serve, routes, rules):
    with serve(routes=routes, rules=rules) as client:
        yield client


def bright() -> bytes:
    return encoded((255 - grey(1) // 3).astype(np.uint8))


# --- the route -------------------------------------------------------------------------------------------------


def test_the_route_answers_and_its_faults_have_the_one_form(toy):
    answer = toy.post("/toy", json={"image": ASKED, "word": "plain"})
    assert (answer.status_code, answer.json()["word"]) == (200, "plain")
    assert answer.json()["state"] == toy.post("/predict", json={"image": ASKED}).json()["state"]
    missing = toy.post("/toy", json={"image": ASKED})
    assert (missing.status_code, missing.json()["error"]["code"]) == (422, "invalid_field")
    assert toy.get("/toy").status_code == 405


def test_the_route_is_in_the_document_after_the_others(toy, client):
    paths = toy.get("/docs.json").json()["paths"]
    assert list(paths) == [*client.get("/docs.json").json()["paths"], "/toy"]
    assert paths["/toy"]["post"]["summary"] == "The toy's state, and your word."
    assert set(paths["/toy"]["post"]["responses"]) >= {"200", "422", "503"}


def test_the_route_is_a_label_of_the_metrics(serve, routes):
    with serve(routes=routes) as client:
        client.post("/toy", json={"image": ASKED, "word": "plain"})
        client.post("/toy", json={})
        counted = series(client)
    assert counted["cxr_requests_total", "/toy", "200"] == 1
    assert counted["cxr_errors_total", "/toy", "invalid_field"] == 1


def test_the_route_wants_the_key_where_one_is_set(serve, routes):
    with serve(Settings(api_key="k"), routes=routes) as client:
        assert client.post("/toy", json={}).status_code == 401
        given = client.post("/toy", json={"image": ASKED, "word": "x"}, headers={"X-API-Key": "k"})
        assert given.status_code == 200
        assert "401" in client.get("/docs.json").json()["paths"]["/toy"]["post"]["responses"]


def test_the_route_has_its_row_for_the_docs(routes):
    assert [route.row() for route in routes][-1] == "| `POST /toy` | `{image, word}` | `{state, word}` |"


def test_a_service_without_it_does_not_know_it(client):
    assert client.post("/toy", json={}).status_code == 404


def test_two_routes_of_one_path_are_an_error(routes):
    with pytest.raises(ValueError, match="'/toy' has a route already"):
        routes.get("/toy", openapi=None, answer="")(lambda context, request: None)


@pytest.mark.parametrize("path", ["/patients/{name}", "toy"])
def test_a_path_has_no_parameter_and_starts_at_the_root(path):
    with pytest.raises(ValueError, match="no parameter"):
        Routes().get(path, openapi=None, answer="")(lambda context, request: None)


def test_a_route_may_stay_out_of_the_document():
    routes = Routes()
    routes.get("/quiet", openapi=None, answer="")(lambda context, request: None)
    routes.get("/told", openapi=lambda settings: telling("Told.", json_of(TEXT)), answer="")(lambda c, r: None)
    assert list(openapi(Settings(), routes)["paths"]) == ["/told"]


def test_the_table_for_operators_is_the_routes():
    text = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith(("| `GET /", "| `POST /"))]
    assert table == [route.row() for route in ROUTES], "copy the missing rows into docs/serving.md"


# --- the warning and the refusal -------------------------------------------------------------------------------


def test_the_warning_comes_with_its_sentence(toy, client):
    warnings = toy.post("/predict", json={"image": ASKED}).json()["warnings"]
    assert {"code": "toy_unsure", "message": "The toy is unsure. Ask it again."} in warnings
    without = client.post("/predict", json={"image": ASKED}).json()["warnings"]
    assert [warning for warning in warnings if warning["code"] != "toy_unsure"] == without


def test_the_refusal_comes_with_its_sentence_and_is_counted(toy):
    answer = toy.post("/predict", json={"image": text_of(bright())}).json()
    assert answer["state"] == "Refused"
    assert answer["reason"] == {"code": "toy_bright", "message": "The picture is too bright for the toy."}
    assert series(toy)["cxr_refusals_total", "toy_bright"] >= 1


def test_what_the_gate_refuses_is_not_asked_further(toy):
    assert toy.post("/predict", json={"image": text_of(BLANK)}).json()["reason"]["code"] == "blank"


def test_the_originals_routes_refuse_with_it_as_well(toy):
    response = toy.post("/upload", files={"pic": ("a.png", bright())})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "toy_bright")


def test_the_document_names_both_codes(toy, client):
    schemas = toy.get("/docs.json").json()["components"]["schemas"]["Answer"]["properties"]
    usual = client.get("/docs.json").json()["components"]["schemas"]["Answer"]["properties"]
    assert schemas["warnings"]["description"] == usual["warnings"]["description"][:-1] + ", toy_unsure."
    assert schemas["reason"]["description"] == usual["reason"]["description"][:-1] + ", toy_bright."


def test_what_others_say_is_unchanged(toy, client):
    request = {"image": text_of(from_the_side())}
    added, usual = (asked.post("/predict", json=request).json() for asked in (toy, client))
    added["warnings"] = [warning for warning in added["warnings"] if warning["code"] != "toy_unsure"]
    assert json.dumps(added) == json.dumps(usual)
