"""What plugs into the node: sources bring objects, destinations take results. Each kind is a settings class.

A kind is a pydantic dataclass below SourceSettings or DestinationSettings, with a word in `kind`, registered once. The
configuration may then name it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar, get_args, get_type_hints, runtime_checkable

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from pydicom.dataset import Dataset

from cxr.common.errors import CxrError
from cxr.node.receipt import NodeError, Receipt

if TYPE_CHECKING:
    from cxr.node.queue import Queue


class UnreachableError(CxrError):
    """A destination does not answer. Everything for it waits. The sentence names no patient."""


class RejectedError(CxrError):
    """A destination answers, and does not take these objects. The sentence names no patient."""


class Inbox(Protocol):
    """Where a source hands its objects in. Safe from any thread."""

    @property
    def incoming(self) -> Path:
        """A folder on the queue's disk for files that are being received; emptied at each start."""

    def take(self, file: Path, source: str, expected_uid: str = "") -> Receipt:
        """Keep the DICOM file (Part 10) `file`, in `incoming`; the caller removes it afterwards.

        source: the source's name in the configuration. expected_uid: the SOP Instance UID that its envelope named.
        """


class ObjectSource(Protocol):
    """Brings objects. `start` returns when it listens; `stop` finishes what is in flight and returns."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Destination(Protocol):
    """Takes results. Called from one thread."""

    def send(self, datasets: Sequence[Dataset]) -> None:
        """All results of one object, each with its file_meta. To send them again must do no harm.

        Raises UnreachableError or RejectedError where not all of them were taken.
        """

    def close(self) -> None:
        """Give back connections; called when there is nothing to send, and at the end. `send` may follow."""


@runtime_checkable
class ReportDestination(Protocol):
    """Takes FHIR reports in place of DICOM objects. Otherwise as a `Destination`."""

    def send_reports(self, reports: Sequence[bytes]) -> None:
        """The FHIR reports of one object, JSON in UTF-8."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """What a part may use of its node. folder: of the queue, for state of the part's own."""

    ae_title: str
    folder: Path
    inbox: Inbox
    queue: "Queue"


class Kinds:
    """Settings of which the word `kind` says the class. A class directly below stands for all of them."""

    kind: str
    registered: ClassVar[dict[str, type[Self]]]

    @classmethod
    def __get_pydantic_core_schema__(cls, asked: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if Kinds not in cls.__bases__:
            return handler(asked)
        choices = {kind: handler.generate_schema(settings) for kind, settings in cls.registered.items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind")

    @classmethod
    def class_for(cls, kind: str) -> type[Self]:
        """The settings class of a registered kind. Raises KeyError for another one."""
        return cls.registered[kind]


class SourceSettings(Kinds):
    """Settings of a source."""

    registered: ClassVar[dict[str, type["SourceSettings"]]] = {}

    def open(self, name: str, around: Surroundings) -> ObjectSource:
        """The source, not started. Raises NodeError."""
        raise NotImplementedError


class DestinationSettings(Kinds):
    """Settings of a destination."""

    registered: ClassVar[dict[str, type["DestinationSettings"]]] = {}

    def open(self, name: str, around: Surroundings) -> Destination | ReportDestination:
        """The destination, not connected. Raises NodeError."""
        raise NotImplementedError


Kind = TypeVar("Kind", bound=type[Any])


def register(settings: Kind) -> Kind:
    """A decorator for settings below Kinds: from now on the configuration may name this kind.

    Raises ValueError where its word is taken."""
    (kind,) = get_args(get_type_hints(settings)["kind"])
    if settings.registered.setdefault(kind, settings) is not settings:
        raise ValueError(f"two parts of the node are called {kind!r}; give one of them another word in its `kind`")
    return settings


def text_of_file(path: str, what: str) -> str:
    """The stripped text of a small file with a secret. Raises NodeError that quotes nothing of it."""
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise NodeError(f"{what}: {path} cannot be read as ASCII text; write it there, readable for the node") from None
    if not text:
        raise NodeError(f"{what}: {path} is empty; write it there")
    return text


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows has no such call; there the names follow with the files."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
