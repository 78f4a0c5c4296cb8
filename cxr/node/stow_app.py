"""The web application of STOW-RS: every part is on the disk before its answer says so."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
from pydicom.filereader import read_file_meta_info
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cxr.imaging.dicom_elements import if_dicom, read_elements
from cxr.node.multipart_related import DICOM, BodyError, PartsReader, StowPart, boundary_of
from cxr.node.parts import Inbox
from cxr.node.receipt import Receipt
from cxr.node.stow_answer import JSON, FailureReason, Instance, StowAnswer

FAILURES = {
    Receipt.CONFLICT: FailureReason.DUPLICATE,
    Receipt.FULL: FailureReason.OUT_OF_RESOURCES,
    Receipt.UNREADABLE: FailureReason.NOT_DICOM,
}
RETRY_AFTER_S = 5
ANY = ("*/*", "application/*", JSON, "application/json")


@dataclass(frozen=True)
class StowLimits:
    """most_bytes: of one object. body_timeout_s: that one request may take."""

    most_bytes: int
    body_timeout_s: float


def stow_app(name: str, inbox: Inbox, token: str, limits: StowLimits) -> Starlette:
    """name: of the source, which the inbox is told. token: that every request must carry; "" for none."""
    store = _Store(name, inbox, limits)
    wanted = f"Bearer {token}".encode()

    async def allowed(request: Request) -> Response:
        shown = request.headers.get("authorization", "").encode()
        if token and not hmac.compare_digest(shown, wanted):
            return _fault(401, "show the token as `Authorization: Bearer …`", {"WWW-Authenticate": "Bearer"})
        if not _takes_json(request.headers.get("accept", "*/*")):
            return _fault(406, f"the answer is {JSON}; accept it")
        return await _within(limits.body_timeout_s, store.answer, request)

    return Starlette(
        routes=[
            Route("/studies", allowed, methods=["POST"]),
            Route("/studies/{study}", allowed, methods=["POST"]),
        ]
    )


class _Store:
    def __init__(self, name: str, inbox: Inbox, limits: StowLimits):
        self._name = name
        self._inbox = inbox
        self._limits = limits

    async def answer(self, request: Request) -> Response:
        said = StowAnswer()
        try:
            boundary = boundary_of(request.headers.get("content-type", ""))
            with PartsReader(boundary, self._inbox.incoming, self._limits.most_bytes) as reader:
                async for chunk in request.stream():
                    for part in reader.feed(chunk):
                        await anyio.to_thread.run_sync(self._take, part, request.path_params.get("study", ""), said)
                reader.end()
        except BodyError as fault:
            return _fault(fault.status, str(fault))
        except ClientDisconnect:
            return _fault(400, "the connection closed before the request was complete")
        if not said.total:
            return _fault(400, "the body has no parts")
        return _stored(said)

    def _take(self, part: StowPart, study: str, said: StowAnswer) -> None:
        """Put one part into the inbox, and what became of it into `said`."""
        try:
            instance = None if part.too_large or part.media_type != DICOM else identity_of(part.file)
            if instance is None:
                said.others.append(FailureReason.PROCESSING if part.too_large else FailureReason.NOT_DICOM)
                return
            failure = self._failure_of(part.file, instance, study)
        except OSError:  # of this machine: the sender is to come again
            said.others.append(FailureReason.OUT_OF_RESOURCES)
        else:
            if failure is None:
                said.stored.append(instance)
            else:
                said.failed.append((instance, failure))
        finally:
            part.file.unlink(missing_ok=True)

    def _failure_of(self, file: Path, instance: Instance, study: str) -> FailureReason | None:
        if study and study_of(file) != study:
            return FailureReason.OTHER_STUDY
        return FAILURES.get(self._inbox.take(file, self._name, expected_uid=instance.sop_instance))


def identity_of(file: Path) -> Instance | None:
    """What the file's meta group says; None where it is not whole, as for a file that is no DICOM. Raises OSError where
    it cannot be read now."""

    def identity() -> Instance | None:
        meta = read_file_meta_info(file)
        if not meta.FileMetaInformationGroupLength:
            return None
        return Instance(str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID))

    return if_dicom(identity)


def study_of(file: Path) -> str:
    """The study that an object is of; "" where its header does not say it. Raises OSError where it cannot be read."""
    study = "StudyInstanceUID"
    return if_dicom(lambda: str(read_elements(file, (study,), force=False).get(study, ""))) or ""


async def _within(seconds: float, answer: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    with anyio.move_on_after(seconds):
        return await answer(request)
    return _fault(408, f"the request was not complete after {seconds:g} s")


def _takes_json(accept: str) -> bool:
    return any(kind.partition(";")[0].strip().lower() in ANY for kind in accept.split(","))


def _stored(said: StowAnswer) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if said.status == 503 else None
    return JSONResponse(said.as_json(), said.status, headers, media_type=JSON)


def _fault(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
