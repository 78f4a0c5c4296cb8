"""Base64 as browsers and phones send it: what is accepted, what is refused, and with which sentence."""

import base64
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr.common.errors import CxrError
from cxr.imaging.base64_payload import PayloadError, decode_base64

LIMIT = 1 << 20
CONTENT = bytes(range(256)) * 3
some_bytes = st.binary(min_size=1, max_size=500)


def fault_of(text: str, max_bytes: int = LIMIT) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        decode_base64(text, max_bytes)
    return caught.value


@given(some_bytes)
def test_plain_base64_gives_the_bytes_back(data):
    assert decode_base64(base64.b64encode(data).decode(), LIMIT) == data


@given(some_bytes)
def test_the_url_safe_alphabet_without_padding_gives_the_bytes_back(data):
    assert decode_base64(base64.urlsafe_b64encode(data).decode().rstrip("="), LIMIT) == data


@given(some_bytes, st.sampled_from(["\n", "\r\n", " ", "\t"]), st.integers(1, 100))
def test_line_breaks_of_any_kind_and_width_are_stepped_over(data, line_break, width):
    text = base64.b64encode(data).decode()
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    assert decode_base64(line_break.join(lines), LIMIT * 3) == data


def test_androids_default_with_breaks_at_76_and_at_the_end_is_read():
    assert decode_base64(base64.encodebytes(CONTENT).decode(), LIMIT) == CONTENT


@pytest.mark.parametrize(
    "head",
    [
        "data:image/jpeg;base64,",
        "DATA:image/PNG;BASE64,",
        "data:;base64,",
        "data:application/dicom;name=a.dcm;base64,",
        "\n data:image/svg+xml;charset=utf-8;base64, \n",
    ],
)
def test_a_data_uris_head_is_taken_off(head):
    assert decode_base64(head + base64.b64encode(CONTENT).decode(), LIMIT) == CONTENT


@pytest.mark.parametrize("text", ["", "   \n", "data:image/png;base64,", "====", "=="])
def test_nothing_is_empty_or_not_base64(text):
    assert fault_of(text).code in ("empty", "not_base64")


def test_no_characters_at_all_are_empty():
    assert fault_of("data:image/png;base64,\n").code == "empty"


@pytest.mark.parametrize(
    "text",
    [
        "QUJD!",
        "QUJD%2B",
        "QU\0JD",
        "QUJD\x80",
        "QUJDé",
        "QUJD\ud800",
        "QUJD\u200b",
        "Q",
        "QUJDQ",
        "QQ=",
        "QQ===",
        "QUJD=",
        "QUJD====",
        "QQ==QQ==",
        "=QUJD",
        "Q=Q=",
        "data:image/png,QUJD",
        "data:image/png;base64QUJD",
        "data:data:image/png;base64,QUJD",
        "QUJDdata:image/png;base64,QUJD",
        '{"image": "QUJD"}',
    ],
)
def test_anything_else_is_not_base64(text):
    assert fault_of(text).code == "not_base64"


def decoded_or_refused(text: str, max_bytes: int) -> bytes | PayloadError:
    try:
        return decode_base64(text, max_bytes)
    except PayloadError as fault:
        return fault


@given(st.text(min_size=1, max_size=200))
def test_any_text_is_decoded_or_refused_in_a_sentence_that_does_not_quote_it(text):
    answer = decoded_or_refused(text, 100)
    if isinstance(answer, bytes):
        assert 0 < len(answer) <= 100
    else:
        assert answer.code in ("not_base64", "empty", "too_large")
        assert len(text) < 12 or text not in str(answer)


@given(some_bytes)
def test_one_byte_more_than_the_limit_is_too_large(data):
    text = base64.b64encode(data).decode()
    assert decode_base64(text, len(data)) == data
    assert len(data) == 1 or fault_of(text, len(data) - 1).code == "too_large"


def test_a_text_of_blanks_beyond_any_line_breaking_is_too_large():
    assert fault_of(" " * 4000, 1000).code == "too_large"


def test_a_text_that_is_too_large_is_refused_without_a_copy_of_it():
    text = "A" * 40_000_000
    tracemalloc.start()
    try:
        assert fault_of(text, 10_000_000).code == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_20_mebibytes_take_a_small_multiple_of_their_size_in_memory():
    text = base64.encodebytes(bytes(20 << 20)).decode()
    tracemalloc.start()
    try:
        assert len(decode_base64("data:image/png;base64," + text, 20 << 20)) == 20 << 20
        assert tracemalloc.get_traced_memory()[1] < 5 * len(text)
    finally:
        tracemalloc.stop()


def test_the_error_is_one_that_a_person_may_meet_and_says_what_to_do():
    fault = fault_of("not base64 at all!")
    assert isinstance(fault, CxrError)
    assert "send" in str(fault)
    assert "\n" not in str(fault)
    assert "at all" not in str(fault)
