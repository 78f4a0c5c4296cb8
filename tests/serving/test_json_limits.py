"""What JSON may be made of: a body of a few megabytes must not become hundreds of megabytes of Python."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import ServiceError
from serving.requests import json_object
from serving.settings import Settings
from tests.serving.test_errors import code_of, post
from tests.serving.xrays import picture, text_of

MOST = 8
MANY = 1_000_000
TOO_MANY = {
    "empty lists": b'{"image": [' + b"[]," * MANY + b"[]]}",
    "empty objects": b"[" + b"{}," * MANY + b"{}]",
    "fields": b"{" + b",".join(b'"%d":0' % number for number in range(100_000)) + b"}",
    "texts": b"[" + b'"",' * MANY + b'""]',
    "colons": b'{"a":' * MANY,
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_millions_of_parts_are_refused_unparsed(client, name, monkeypatch):
    assert post(client, TOO_MANY[name]) == (400, "not_json")
    monkeypatch.setattr("serving.requests.json.loads", None)
    with pytest.raises(ServiceError, match="more parts"):
        json_object(TOO_MANY[name], MOST)


def test_a_text_may_have_any_number_of_marks():
    for text in (",:[{" * MANY, '",:\\' * 4, "\\" * MANY + "," * MANY):
        assert json_object(json.dumps({"image": text}).encode(), MOST) == {"image": text}


@given(st.dictionaries(st.text('",:[{\\ é', max_size=3), st.text('",:[{\\ é', max_size=40), max_size=3))
def test_marks_within_texts_do_not_count(fields):
    assert json_object(json.dumps(fields).encode(), 50) == fields


def test_one_mark_more_than_the_most_is_refused():
    assert json_object(b'{"a": [' + b"0," * 7 + b"0]}", 7) == {"a": [0] * 8}
    with pytest.raises(ServiceError, match="more parts"):
        json_object(b'{"a": [' + b"0," * 8 + b"0]}", 7)


def test_the_largest_batch_of_data_uris_passes(client):
    most = Settings().max_batch
    uri = "data:image/png;base64," + text_of(picture())
    assert len(client.post("/predict/batch", json={"images": [uri] * most}).json()["results"]) == most
    too_many = client.post("/predict/batch", json={"images": ["x"] * 3 * most})
    assert code_of(too_many) == (422, "invalid_field")


def test_a_large_body_is_parsed_beside_the_event_loop(client):
    image = text_of(picture()) + "\n" * 200_000
    assert client.post("/predict", json={"image": image}).status_code == 200
    assert code_of(client.post("/predict", json={"image": image, "x": 1})) == (422, "invalid_field")
