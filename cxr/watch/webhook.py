"""Tells a web address of an alarm: one POST of JSON, without a redirect, a second try or an identity."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cxr.common.errors import CxrError

TIMEOUT_S = 10


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None  # then a redirect is an HTTPError


def post(address: str, said: Mapping[str, Any]) -> None:
    """Raises CxrError where it was not taken. Its text does not have the address, which is often a secret."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CxrError("the webhook's address is none; it must begin with https:// or http://")
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        address, json.dumps(said).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as fault:
        raise CxrError(f"the webhook answered {fault.code}; the alarm is told again at the next look") from None
    except (OSError, http.client.HTTPException, ValueError) as fault:
        kind = type(getattr(fault, "reason", fault)).__name__
        raise CxrError(f"the webhook did not answer ({kind}); the alarm is told again at the next look") from None
