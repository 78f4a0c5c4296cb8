"""Base64 text, as browsers and phones send pictures, to bytes."""

import binascii
import re

from cxr.common.errors import CxrError

# "data:", a media type with parameters or nothing, and a comma: RFC 2397. Looked for at the start only.
DATA_URI_HEAD = re.compile(r"\s*data:([\w./+;=\"' -]{0,200}),", re.ASCII | re.IGNORECASE)
WHITE_SPACE = b" \t\r\n\f\v"
FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
ROOM_FOR_BREAKS = 2  # a text of more than this many times the Base64 that is allowed is refused unread


class PayloadError(CxrError):
    """Text that is no Base64 of something. `code` is "not_base64", "empty" or "too_large"."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def decode_base64(text: str, max_bytes: int) -> bytes:
    """Base64, with or without a data URI's head, to 1..max_bytes bytes. Raises PayloadError.

    White space anywhere, the URL-safe alphabet and missing padding are fine. Any other character, wrong or
    misplaced padding and a length that no Base64 has are not. What would be too large is refused undecoded.
    """
    head_length = _head_length(text)
    most_digits = (max_bytes + 2) // 3 * 4
    if len(text) - head_length > ROOM_FOR_BREAKS * most_digits + ROOM_FOR_BREAKS:
        raise _too_large(max_bytes)
    digits = _digits(text, head_length)
    if len(digits) * 3 // 4 > max_bytes:
        raise _too_large(max_bytes)
    if not digits:
        raise PayloadError("empty", "the Base64 text is of 0 bytes; send the bytes of a picture")
    try:
        return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
    except binascii.Error:
        raise _not_base64("a character, padding or a length that Base64 does not have") from None


def _head_length(text: str) -> int:
    head = DATA_URI_HEAD.match(text)
    if head is None:
        return 0
    if not head[1].lower().rstrip().endswith(";base64"):
        raise _not_base64("a data URI without ;base64")
    return head.end()


def _digits(text: str, head_length: int) -> bytes:
    """The standard alphabet's digits, without white space and padding; other characters are still in there."""
    try:
        encoded = text[head_length:].encode("ascii")
    except UnicodeEncodeError:
        raise _not_base64("a character outside ASCII") from None
    padded = encoded.translate(FROM_URL_SAFE, WHITE_SPACE)
    digits = padded.rstrip(b"=")
    if len(padded) != len(digits) and (len(padded) % 4 or len(padded) - len(digits) > 2):
        raise _not_base64("wrong padding")
    return digits


def _not_base64(what_came: str) -> PayloadError:
    return PayloadError(
        "not_base64", f"the text is not Base64: it has {what_came}; send A-Z a-z 0-9 + / or their data URI"
    )


def _too_large(max_bytes: int) -> PayloadError:
    return PayloadError(
        "too_large", f"the Base64 text is of more than {max_bytes} bytes, which is the most; send a smaller picture"
    )
