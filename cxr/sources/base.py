"""What every source gives: its files in a folder, and the list of its images."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from cxr.data.manifest import RejectedRow

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that the source's own records call a usable frontal X-ray; its file has not been opened yet.

    path: relative to the source's folder, with forward slashes. patient: id within the source. view: one of
    FRONTAL_VIEWS or "" where the source does not say. age: years or "".
    """

    path: str
    label: str
    patient: str
    view: str = ""
    finding: str = ""
    sex: str = ""
    age: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """candidates and rejected are sorted by path. RejectedRow.source is the name given to `list_images`;
    both kinds of path are relative to the source's folder."""

    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)


@dataclass(frozen=True)
class Source(Generic[P]):
    """One kind of source, as two functions of its params.

    fetch(params, directory): brings the source's files under `directory`, whole or not at all; a second call
    after a kill resumes. Raises SourceError. list_images(params, directory, name): reads records and names,
    decodes nothing.
    """

    fetch: Callable[[P, Path], None]
    list_images: Callable[[P, Path, str], Listing]
