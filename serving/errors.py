"""The one form of every error that leaves the service: {"error": {"code", "message"}}."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from cxr.common.errors import ImageError
from cxr.imaging.base64_payload import PayloadError
from cxr.inference.sentences import SENTENCES

# Codes of an ImageError and of a PayloadError, to the HTTP status that says the same to a client.
PICTURE_STATUS: Mapping[str, int] = {
    "empty": 400,
    "not_a_picture": 415,
    "unsupported": 415,
    "corrupt": 400,  # the format is right, its content is malformed
    "too_many_pixels": 413,
}
_PAYLOAD_STATUS = {"not_base64": 400, "empty": 400, "too_large": 413}


class ServiceError(Exception):
    """An answer that is an error. Its text goes to the client and quotes nothing of what the client sent."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def shared_words(code: str) -> str:
    """The sentence of clients/texts.json, for where nothing more exact can be said."""
    return SENTENCES[f"error.{code}"]


def bad_request(message: str) -> ServiceError:
    return ServiceError(400, "bad_request", message)


def not_json(message: str) -> ServiceError:
    return ServiceError(400, "not_json", message)


def invalid_field(message: str) -> ServiceError:
    return ServiceError(422, "invalid_field", message)


def overloaded(retry_after_s: int = 1) -> ServiceError:
    return ServiceError(503, "overloaded", shared_words("overloaded"), {"Retry-After": str(retry_after_s)})


def too_often(retry_after_s: int) -> ServiceError:
    message = f"this key has asked as often as it may in a minute; wait {retry_after_s} s, then try again"
    return ServiceError(429, "overloaded", message, {"Retry-After": str(retry_after_s)})


def feedback_off(why: str) -> ServiceError:
    return ServiceError(403, "feedback_off", why)


def unknown_id(why: str) -> ServiceError:
    return ServiceError(404, "unknown_id", why)


def expired_id(why: str) -> ServiceError:
    return ServiceError(410, "expired_id", why)


def feedback_unavailable(retry_after_s: int = 60) -> ServiceError:
    message = "the outcome could not be kept, by a fault of the server; send it again later"
    return ServiceError(503, "feedback_unavailable", message, {"Retry-After": str(retry_after_s)})


def too_slow() -> ServiceError:
    return ServiceError(504, "timeout", shared_words("timeout"))


def unauthorised() -> ServiceError:
    return ServiceError(401, "unauthorised", shared_words("unauthorised"), {"WWW-Authenticate": "X-API-Key"})


def fault_of_ours() -> ServiceError:
    return ServiceError(500, "server", shared_words("server"))


def unsound(status: int = 500) -> ServiceError:
    return ServiceError(status, "unsound_answer", shared_words("unsound_answer"))


def of_picture(fault: ImageError | PayloadError) -> ServiceError:
    """The answer to a picture that cannot be read."""
    status = PICTURE_STATUS[fault.code] if isinstance(fault, ImageError) else _PAYLOAD_STATUS[fault.code]
    return ServiceError(status, fault.code, str(fault))


def error_body(fault: ServiceError) -> dict[str, dict[str, str]]:
    return {"error": {"code": fault.code, "message": fault.message}}


def error_response(request: Request, fault: ServiceError) -> JSONResponse:
    request.state.error_code = fault.code  # for the metrics and the log
    return JSONResponse(error_body(fault), fault.status, headers=fault.headers)


async def on_service_error(request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, ServiceError)
    return error_response(request, fault)


async def on_http_error(request: Request, fault: Exception) -> JSONResponse:
    """The answer where the router finds no such path or no such method."""
    assert isinstance(fault, HTTPException)
    code, message = _ROUTER_WORDS.get(fault.status_code, ("bad_request", "the request cannot be answered"))
    return error_response(request, ServiceError(fault.status_code, code, message, fault.headers))


_ROUTER_WORDS = {
    404: ("not_found", "there is nothing at this address; GET /docs.json lists what there is"),
    405: ("method_not_allowed", "this address does not take this method; the header Allow says which"),
}
