"""The service keeps what its OpenAPI document promises."""

import httpx
import pytest

from serving.answer_types import Answer, Result
from serving.openapi import openapi
from serving.settings import Settings
from tests.serving.fuzz_http import fuzz


def test_the_document_has_every_route(client):
    paths = client.get("/docs.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            assert client.request(method.upper(), path).status_code not in (404, 405)
    assert {"/predict", "/predict/batch", "/sendbase64", "/upload", "/model", "/metrics"} <= set(paths)


def test_a_key_is_in_the_document_only_where_one_is_wanted():
    assert "securitySchemes" not in openapi(Settings())["components"]
    locked = openapi(Settings(api_key="k"))
    assert locked["paths"]["/predict"]["post"]["security"]
    assert "security" not in locked["paths"]["/readyz"]["get"]


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path):
    report, printed = fuzz(tmp_path, cases=200, seed=1)
    assert report["test_cases"]["generated"] >= 200
    assert (report["failures"], report["errors"], report["tracebacks"]) == ([], [], 0), printed


def test_bentos_methods_answer_with_the_fields_of_the_routes(client: httpx.Client) -> None:
    """A field that only one of them knows would be dropped without a word."""
    answer = client.get("/docs.json").json()["components"]["schemas"]["Answer"]["properties"]
    assert set(Answer.model_fields) == set(answer)
    assert set(Result.model_fields) == {*answer, "error"}
