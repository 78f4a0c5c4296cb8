"""The one form of every error that leaves the service: {"error": {"code", "message"}}."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse

from cxr.errors import ImageError
from cxr.images import HTTP_STATUS
from cxr.payload import PayloadError

# The sentences of clients/texts.json, where nothing more exact can be said (a test compares them).
SHARED_WORDS = {
    "unauthorised": "The server did not accept the API key. Enter the key that you were given in the settings.",
    "overloaded": "The server is busy or still starting. Wait a little, then try again.",
    "server": "The server failed while it handled the picture. Try again; if it keeps failing, tell the person who "
    "runs the server.",
}
_PAYLOAD_STATUS = {"not_base64": 400, "empty": 400, "too_large": 413}


class ServiceError(Exception):
    """An answer that is an error. Its text goes to the client and quotes nothing of what the client sent."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def overloaded(status: int = 503, retry_after_s: int = 1) -> ServiceError:
    return ServiceError(status, "overloaded", SHARED_WORDS["overloaded"], {"Retry-After": str(retry_after_s)})


def of_picture(fault: ImageError | PayloadError) -> ServiceError:
    status = HTTP_STATUS[fault.code] if isinstance(fault, ImageError) else _PAYLOAD_STATUS[fault.code]
    return ServiceError(status, fault.code, str(fault))


def error_body(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


def error_response(fault: ServiceError) -> JSONResponse:
    return JSONResponse(error_body(fault.code, fault.message), fault.status, headers=fault.headers)


async def on_service_error(request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, ServiceError)
    request.state.error_code = fault.code  # for the metrics and the log
    return error_response(fault)
