"""What a source is: its settings, its files in a folder, the list of its images, and what it says of itself.

`SOURCES` holds every registered kind; cxr/sources/__init__.py registers those that come with the project.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from pydantic import GetCoreSchemaHandler
from pydantic.dataclasses import dataclass as settings
from pydantic_core import CoreSchema, core_schema

from cxr.common.config import STRICT
from cxr.common.labels import Label
from cxr.data.manifest import LungMask, OtherView, RejectedRow

PUBLIC = "public"  # as an origin: where the collection was published
NOT_STATED = "not stated"


class SourceParams:
    """What the settings of every kind have; a source's own class is a pydantic dataclass below this one.

    kind: a Literal of one word in each class. train_on: the labels whose images take part in the split; images of the
    others are indexed, and only ever tested on.
    """

    kind: str
    train_on: tuple[Label, ...]

    @classmethod
    def __get_pydantic_core_schema__(cls, asked: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Where any source may stand, its `kind` says which of the registered ones it is."""
        if cls is not SourceParams:
            return handler(asked)
        choices = {kind: handler.generate_schema(source.params) for kind, source in SOURCES.items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind")

    @classmethod
    def class_for(cls, kind: str) -> "type[SourceParams]":
        """The settings class of a registered kind. Raises KeyError for another one."""
        return SOURCES[kind].params

    def pinned(self) -> dict[str, Any]:
        """The settings that decide which files there are, as JSON has them."""
        return {name: value for name, value in vars(self).items() if name != "train_on"}


P = TypeVar("P", bound=SourceParams)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that the source's own records call a usable frontal X-ray; its file has not been opened yet.

    path: relative to the source's folder, with forward slashes. patient: id within the source. view: one of
    FRONTAL_VIEWS or "" where the source does not say. age: years or "". same_as: where the records name the collection
    that a picture was taken from, its name there, as "owner/id"; other sources give their copies the same one.
    """

    path: str
    label: str
    patient: str
    view: str = ""
    finding: str = ""
    sex: str = ""
    age: str = ""
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a source knows of its files.

    candidates, rejected: every picture is one or the other. other_views: rejected pictures that can teach the gate,
    with their patients. lung_masks: files that outline the lungs of a picture. Most sources have neither of the last
    two. All are sorted by path; paths are relative to the source's folder, patients are ids within the source, and
    `source` is the name given to `list_images`.
    """

    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    other_views: list[OtherView] = field(default_factory=list)
    lung_masks: list[LungMask] = field(default_factory=list)


@settings(frozen=True, config=STRICT)
class SourceDescription:
    """For the report. people: of whom the images are. A kind whose settings have a `description` is described by it."""

    what: str = NOT_STATED
    people: str = NOT_STATED
    licence: str = NOT_STATED
    cite: str = NOT_STATED


@dataclass(frozen=True)
class Source(Generic[P]):
    """One kind of source.

    params: the class of its settings. fetch(params, directory): brings the source's files under `directory`, whole or
    not at all; a second call after a kill resumes. Raises SourceError. list_images(params, directory, name): reads
    records and names, decodes nothing.
    """

    params: type[P]
    fetch: Callable[[P, Path], None]
    list_images: Callable[[P, Path, str], Listing]
    description: SourceDescription = field(default_factory=SourceDescription)

    @property
    def kind(self) -> str:
        """The word that names it in params.yaml."""
        (kind,) = get_args(get_type_hints(self.params)["kind"])
        return str(kind)


SOURCES: dict[str, Source[Any]] = {}


def register(source: Source[Any]) -> None:
    """From now on params.yaml may name this kind. Raises ValueError where another source has its name."""
    if SOURCES.setdefault(source.kind, source) is not source:
        raise ValueError(f"two sources are called {source.kind!r}; give one of them another word in its `kind`")
