"""One file over HTTP: resumed where the server can, tried again where that may help, whole or not there.

While it is under way the file is "<name>.part", and "<name>.part.json" holds what the server said of it. Only
a complete file gets its name.
"""

import email.utils
import hashlib
import logging
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tqdm import tqdm

from cxr.common.disk import disk_faults, require_space
from cxr.common.errors import SourceError
from cxr.sources.http.partial_download import Part, facts_of

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

MIRROR_HINT = "or set its `origin` in params.yaml to a directory that mirrors it (data/README.md says how)"
CHUNK_BYTES = 1 << 16  # at most this much is lost when the connection drops
BUSY = (408, 425, 429, 500, 502, 503, 504)  # asking again later may help

# Sends a GET for the file with these headers, body not read yet. May raise RefusedError or what requests raises.
Opener = Callable[[dict[str, str]], "requests.Response"]


@dataclass(frozen=True)
class Patience:
    """attempts: how many in a row may bring nothing new. backoff_s: the first wait, doubled each time.
    longest_wait_s: where a server asks for more than this (Retry-After), the download gives up."""

    connect_timeout_s: float = 15
    read_timeout_s: float = 60
    attempts: int = 5
    backoff_s: float = 1
    longest_wait_s: float = 120

    @property
    def timeout_s(self) -> tuple[float, float]:
        return self.connect_timeout_s, self.read_timeout_s


class RefusedError(Exception):
    """The server answered with an error status. advice: what a person can do about this one, if known."""

    def __init__(self, status: int, retry_after: str | None = None, advice: str = ""):
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after
        self.advice = advice


class _InterruptedError(Exception):
    """This attempt failed; another may not. Its text says what happened. wait_s: what the server asked for."""

    def __init__(self, what: str, wait_s: float | None = None, advice: str = "check the connection and run again"):
        super().__init__(what)
        self.wait_s = wait_s
        self.advice = advice


@dataclass(frozen=True)
class Download:
    """what: names the file in messages, "<source>: <file>". advice: by HTTP status, what a person can do."""

    opener: Opener
    what: str
    patience: Patience
    advice: Mapping[int, str] = field(default_factory=dict)


def url_opener(url: str, patience: Patience) -> Opener:
    def open_url(headers: dict[str, str]) -> "requests.Response":
        import requests

        return requests.get(url, headers=headers, stream=True, timeout=patience.timeout_s)

    return open_url


def download(job: Download, target: Path) -> None:
    """Bring the file to `target`, going on from where an earlier call stopped. Raises SourceError."""
    if target.exists():
        return
    with disk_faults(f"{job.what}: downloading", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Part(target)
        failures = 0
        while not part.complete:
            before = part.size
            try:
                _attempt(job, part)
            except _InterruptedError as fault:
                failures = 1 if part.size > before else failures + 1
                _wait(job, part, fault, failures)
            except RefusedError as fault:
                raise SourceError(_refusal(job, fault)) from None
        _check_hash(job, part)
        part.finish()


def _attempt(job: Download, part: Part) -> None:
    """One request and as much of its body as comes. Raises _InterruptedError where another attempt may help."""
    import requests

    try:
        with job.opener(part.request_headers()) as response:
            if response.status_code == 416 and part.size:
                part.discard()
                raise _InterruptedError("the part that was there does not fit the server's file")
            if response.status_code >= 400:
                raise RefusedError(response.status_code, response.headers.get("Retry-After"))
            _begin(job, part, response)
            _receive(job, part, response)
    except RefusedError as fault:
        if fault.status not in BUSY:
            raise
        wait_s = _retry_after_s(fault.retry_after)
        raise _InterruptedError(f"the server answered {fault.status}", wait_s, "it is busy: run again later") from None
    except requests.exceptions.SSLError:
        raise SourceError(
            f"{job.what}: the server's certificate is not trusted; behind a proxy that re-signs, point "
            "REQUESTS_CA_BUNDLE at its certificate"
        ) from None
    except requests.exceptions.Timeout:
        raise _InterruptedError("the server went silent") from None
    except requests.exceptions.RequestException as fault:
        raise _InterruptedError(_cause(fault)) from None


def _begin(job: Download, part: Part, response: "requests.Response") -> None:
    """Decide whether the body continues the part or is the whole file."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise SourceError(
            f"{job.what}: the answer is a web page, not the file; a log-in page or a proxy is in between, so check the "
            f"connection in a browser, {MIRROR_HINT}"
        )
    if response.status_code == 206:
        if not part.continues(response.headers):
            part.discard()
            raise _InterruptedError("the file changed on the server since the first part came")
        return
    part.start(facts_of(response.headers))


def _receive(job: Download, part: Part, response: "requests.Response") -> None:
    total = part.facts.total
    require_space((total or part.size) - part.size, part.target, job.what)
    name = job.what.partition(":")[0]
    bar = tqdm(desc=name, total=total, initial=part.size, unit="B", unit_scale=True, unit_divisor=1024)
    with bar, part.path.open("ab") as handle:
        for chunk in response.iter_content(CHUNK_BYTES):
            append(handle, chunk)
            bar.update(len(chunk))
    if total is None:
        part.end()
    elif part.size != total:
        raise _InterruptedError("the connection ended early")


def append(handle: BinaryIO, chunk: bytes) -> None:
    handle.write(chunk)


def _check_hash(job: Download, part: Part) -> None:
    if not part.facts.md5:
        return
    with part.path.open("rb") as handle:
        digest = hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).digest()
    if b64encode(digest).decode() != part.facts.md5:
        part.discard()
        raise SourceError(
            f"{job.what}: the file that came is not the one that the server described (its MD5 is {digest.hex()}); "
            "it was deleted, so run again"
        )


# --- waiting and words ------------------------------------------------------------------------------------


def _wait(job: Download, part: Part, fault: _InterruptedError, failures: int) -> None:
    """Sleep before the next attempt, or give up."""
    patience = job.patience
    if failures >= patience.attempts:
        raise SourceError(_gave_up(job, part, fault, failures)) from None
    wait_s = patience.backoff_s * 2 ** (failures - 1) if fault.wait_s is None else fault.wait_s
    if wait_s > patience.longest_wait_s:
        raise SourceError(
            f"{job.what}: {fault} and asks to wait {wait_s:.0f} s; run again after that, {MIRROR_HINT}"
        ) from None
    logger.warning("%s: %s; trying again in %.0f s", job.what, fault, wait_s)
    time.sleep(wait_s)


def _retry_after_s(value: str | None) -> float | None:
    """Retry-After: seconds, or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _gave_up(job: Download, part: Part, fault: _InterruptedError, attempts: int) -> str:
    kept = f"; {part.size} bytes are kept, and the next run goes on from there if the server can" if part.size else ""
    return f"{job.what}: {fault}, {attempts} times in a row{kept}; {fault.advice}, {MIRROR_HINT}"


def _refusal(job: Download, fault: RefusedError) -> str:
    meaning = {401: "not authorised", 403: "forbidden", 404: "not found"}.get(fault.status, "refused")
    hint = fault.advice or job.advice.get(fault.status) or f"check the network's rules, {MIRROR_HINT}"
    return f"{job.what}: the server answered {fault.status} ({meaning}); {hint}"


def _cause(fault: BaseException) -> str:
    """The cause below requests' and urllib3's errors, in the operating system's words where it has any."""
    layer: BaseException | None = fault
    while layer is not None:
        if isinstance(layer, TimeoutError):
            return "the server went silent"
        if isinstance(layer, OSError) and layer.strerror:
            return f"no answer from the server ({layer.strerror})"
        layer = _layer_below(layer)
    return "the connection ended early"


def _layer_below(fault: BaseException) -> BaseException | None:
    candidates = (getattr(fault, "reason", None), *fault.args, fault.__cause__, fault.__context__)
    return next((inner for inner in candidates if isinstance(inner, BaseException)), None)
