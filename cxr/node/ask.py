"""Whom the node asks: a service over HTTP, or an engine in its own process."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, get_args

import requests
from pydantic import Field
from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.errors import ImageError, UnsoundError
from cxr.imaging.decode import decode
from cxr.inference.answer import Answer, State, answer
from cxr.inference.manifest import digest_of
from cxr.inference.precision import Chosen
from cxr.inference.remarks import Remark
from cxr.inference.sentences import SENTENCES
from cxr.inference.site_profile import SiteProfile, Withheld
from cxr.inference.site_signature import PUBLIC_KEY, verified_profile
from cxr.node.parts import Kinds, register, text_of_file
from cxr.node.values import Seconds, TlsSettings
from cxr.node.web_address import WebAddress

if TYPE_CHECKING:
    import numpy as np

OF_THE_PICTURE = (400, 413, 415)  # statuses that another try will not change
OF_THE_SERVICE = (401, 403, 404, 429, 502, 503)  # statuses that are the same for every picture
WITHHELD = get_args(Withheld)
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Reply:
    """An answer, and the model that gave it. model: name, version and backbone at least, as `POST /predict` has it.
    picture: as it was decoded, uint8[h, w], where that was done here. answer_id: for its outcome, "" where the service
    gives none."""

    answer: Answer
    model: Mapping[str, Any]
    picture: "np.ndarray | None" = None
    answer_id: str = ""


class UnavailableError(Exception):
    """Nobody answers now. wait_s: how long to wait before the next try, 0 where nothing is known. counted: it may be
    the picture's own fault, so that the try counts and others go first. held: one of WITHHELD where a site's
    profile says that nothing is to be classified, else ""."""

    def __init__(self, reason: str, wait_s: float = 0.0, *, counted: bool = False, held: str = ""):
        super().__init__(reason)
        self.wait_s = wait_s
        self.counted = counted
        self.held = held


def withheld_words(code: str) -> str:
    """Why nothing is classified, of one of WITHHELD: the code and its sentence."""
    return f"{code}: {SENTENCES[f'error.{code}'].rstrip('.')}"


class Asker(Protocol):
    """Answers about DICOM files. Safe from several threads."""

    def ask(self, data: bytes, explain: bool) -> Reply:
        """data: a DICOM file. explain: with a heat map. Raises ImageError where it is no picture that can be read,
        UnsoundError where this picture cannot be answered, UnavailableError where it should be asked again."""


class AskSettings(Kinds):
    """Whom to ask."""

    registered: ClassVar[dict[str, type["AskSettings"]]] = {}

    def open(self) -> Asker:
        """Raises NodeError or ModelError."""
        raise NotImplementedError


@register
@settings(frozen=True, config=STRICT)
class ServiceSettings(AskSettings):
    """url: of the service, with its path if it has one; https, or http to this machine. key_file: holds the key for
    X-API-Key; "": none. allow_http, tls: as WebAddress has them."""

    kind: Literal["service"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+.*$")]
    key_file: str = ""
    timeout_s: Seconds = 60.0
    allow_http: bool = False
    tls: TlsSettings = TlsSettings()

    def __post_init__(self) -> None:
        self.address()

    def address(self) -> WebAddress:
        """The rules that hold for results hold for whole pictures too. Raises ValueError."""
        return WebAddress(self.url, self.allow_http, tls=self.tls, timeout_s=self.timeout_s)

    def open(self) -> Asker:
        return _Service(self)


@register
@settings(frozen=True, config=STRICT)
class EngineSettings(AskSettings):
    """model: the folder of a model. precision: as CXR_PRECISION. threads: of the engine; 0: all cores. site: the file
    of a site profile; "": none. site_keys: public keys of which one must have signed it; none: any."""

    kind: Literal["engine"]
    model: str
    precision: Chosen = "auto"
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    site: str = ""
    site_keys: tuple[Annotated[str, Field(pattern=f"^{PUBLIC_KEY}$")], ...] = ()

    def __post_init__(self) -> None:
        if self.site_keys and not self.site:
            raise ValueError("site_keys is there and site is not; name the profile that they sign, or remove them")

    def open(self) -> Asker:
        return _Engine(self)


class _Engine:
    """Answers in this process, one picture at a time; the next ones are decoded meanwhile."""

    def __init__(self, wanted: EngineSettings):
        from cxr.inference.predictor import Predictor

        self._site = _site_of(wanted)
        precision = wanted.precision
        self._model = Predictor.load(
            Path(wanted.model), precision=precision, latency=True, threads=wanted.threads or None
        )
        facts = self._model.facts
        self._named = {"name": facts.name, "version": facts.version, "backbone": facts.backbone}
        self._turn = threading.Lock()

    def ask(self, data: bytes, explain: bool) -> Reply:
        withheld = None if self._site is None else self._site.withheld(date.today())
        if withheld is not None:
            raise UnavailableError(withheld_words(withheld), held=withheld)
        picture = decode(data)
        with self._turn:
            return Reply(answer(self._model, picture, explain=explain, site=self._site), self._named, picture)


def _site_of(wanted: EngineSettings) -> SiteProfile | None:
    """Raises ProfileError, in one sentence, where the profile is none, of another model, or signed by nobody known."""
    if not wanted.site:
        return None
    site = verified_profile(Path(wanted.site), wanted.site_keys)
    site.require_model(digest_of(Path(wanted.model)), wanted.model)
    return site


class _Service:
    """Asks `POST /predict` with the file's bytes."""

    def __init__(self, wanted: ServiceSettings):
        self._address = wanted.url.rstrip("/") + "/predict"
        self._place = wanted.address()
        self._headers = {"Content-Type": "application/dicom"}
        if wanted.key_file:
            self._headers["X-API-Key"] = text_of_file(wanted.key_file, "ask.key_file")
        self._sessions = threading.local()
        self._session()  # says in one sentence what is wrong with a file

    def ask(self, data: bytes, explain: bool) -> Reply:
        try:
            response = self._session().post(
                self._address, data=data, params={"explain": "true"} if explain else {}, timeout=self._place.timeout_s
            )
        except requests.RequestException as fault:
            late = isinstance(fault, requests.ReadTimeout)  # it has the picture, and says nothing
            raise UnavailableError(f"the service cannot be reached ({type(fault).__name__})", counted=late) from None
        return self._read(response)

    def _session(self) -> requests.Session:
        """One a thread, so that connections are kept."""
        if not hasattr(self._sessions, "own"):
            self._sessions.own = self._place.open_session()
            self._sessions.own.headers.update(self._headers)
        session: requests.Session = self._sessions.own
        return session

    def _read(self, response: requests.Response) -> Reply:
        try:
            document = response.json()
            if response.status_code == 200:
                return Reply(answer_of(document), document["model"], answer_id=str(document.get("id", "")))
            code = str(document["error"]["code"])
        except (ValueError, KeyError, TypeError):
            raise UnavailableError(
                f"{response.status_code} without words that this node knows", counted=_counted(response.status_code)
            ) from None
        if response.status_code in OF_THE_PICTURE:
            raise ImageError(code, f"the service does not read it: {code}")
        if code == "unsound_answer":
            raise UnsoundError("the service had no sound answer")
        wait_s = _seconds(response.headers.get("Retry-After"))
        if code in WITHHELD:
            raise UnavailableError(withheld_words(code), wait_s, held=code)
        raise UnavailableError(f"{response.status_code} {code}", wait_s, counted=_counted(response.status_code))


def answer_of(document: Mapping[str, Any]) -> Answer:
    """The answer as `POST /predict` writes it. Raises ValueError, KeyError or TypeError on anything else."""
    if document["state"] not in get_args(State):
        raise ValueError(f"an answer of state {document['state']!r}")
    reason = document.get("reason")
    return Answer(
        state=document["state"],
        percentage=document["percentage"],
        probabilities=document["probabilities"],
        threshold=float(document["threshold"]),
        warnings=tuple(Remark(**one) for one in document["warnings"]),
        heatmap=document.get("heatmap"),
        lung_share=document.get("lung_share"),
        familiarity=document.get("familiarity"),
        triage=document.get("triage"),
        site=document.get("site"),
        profile=document.get("profile"),
        reason=None if reason is None else Remark(**reason),
    )


def _counted(status: int) -> bool:
    return not (300 <= status < 400 or status in OF_THE_SERVICE)


def _seconds(text: str | None) -> float:
    return min(float(text), LONGEST_WAIT_S) if text and text.isdigit() else 0.0
