"""Any GitHub repository of pictures with a CSV table, whose columns and words params.yaml explains."""

from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.labels import Label
from cxr.sources.base import PUBLIC, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http.github import fetch_repository
from cxr.sources.mirror import copy_mirror
from cxr.sources.patient_ids import expression_of, patient_in
from cxr.sources.tables import (
    LATERAL,
    NOT_FRONTAL,
    NOT_SAID,
    Meanings,
    Record,
    Vocabulary,
    Words,
    inverted,
    list_records,
    picture_files,
    read_table,
    vocabulary_of,
)

# As params.yaml says it.
View = Literal["PA", "AP", "AP Supine", "not said", "lateral", "not frontal"]
OF_VIEW = {"not said": NOT_SAID, "lateral": LATERAL, "not frontal": NOT_FRONTAL}
PINNED = ("kind", "origin", "repository", "revision", "table", "images")


@settings(frozen=True, config=STRICT)
class TableColumns:
    """The table's column for each fact; "" where it has none. file: the picture's name, its suffix may be missing."""

    file: Annotated[str, Field(min_length=1)]
    patient: Annotated[str, Field(min_length=1)]
    finding: Annotated[str, Field(min_length=1)]
    view: str
    modality: str
    sex: str
    age: str


@settings(frozen=True, config=STRICT)
class GithubTableParams(SourceParams):
    """origin: PUBLIC, or a directory that mirrors the repository. table, images: the CSV file and the folder of the
    pictures, in the repository. patient: a regular expression whose first group, found in the patient's column, is the
    id. findings, views: the table's words by what they mean; every other word is a rejection. xray: the words for X-ray
    in the modality's column. description: for the report."""

    kind: Literal["github_table"]
    origin: str
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: str
    table: str
    images: str
    columns: TableColumns
    patient: str
    findings: Meanings
    views: dict[View, Words]
    xray: Words
    description: SourceDescription
    train_on: tuple[Label, ...]

    def __post_init__(self) -> None:
        inverted(self.findings, "findings")
        inverted(self.views, "views")

    def pinned(self) -> dict[str, Any]:
        """Without what only says how the table is read: the files stay the same when that changes."""
        return {name: getattr(self, name) for name in PINNED}


DESCRIPTION = SourceDescription(
    what="a GitHub repository that params.yaml names",
    people="stated in params.yaml",
    licence="stated in params.yaml",
    cite="stated in params.yaml",
)


def fetch(params: GithubTableParams, directory: Path) -> None:
    expression_of(params.patient, directory.name)  # a wrong one is better found before the download
    kept = {PurePosixPath(params.table), PurePosixPath(params.images)}

    def wanted(path: PurePosixPath) -> bool:
        return not kept.isdisjoint((path, *path.parents))

    if params.origin == PUBLIC:
        fetch_repository(params.repository, params.revision, directory, wanted)
    else:
        copy_mirror(params.origin, directory, (params.table, params.images), wanted)


def list_images(params: GithubTableParams, directory: Path, name: str) -> Listing:
    files = picture_files(directory, params.images) - {params.table}
    columns = {field.name: getattr(params.columns, field.name) for field in fields(params.columns)}
    rows = read_table(directory / params.table, [column for column in columns.values() if column])
    paths = _paths_by_name(files, params.images)
    expression = expression_of(params.patient, name)
    records = []
    for row in rows:
        facts = {fact: row[column] if column else "" for fact, column in columns.items()}
        file = facts.pop("file")
        if facts["patient"]:
            facts["patient"] = patient_in(facts["patient"], expression, f"{name}: {params.table}: {facts['patient']!r}")
        records.append(Record(paths.get(file) or str(PurePosixPath(params.images, file)), **facts))
    return list_records(records, files, _vocabulary(params), name)


def _paths_by_name(files: set[str], folder: str) -> dict[str, str]:
    """A picture's path by its name in the folder, and by that without the suffix, where only one picture has it."""
    names = {str(PurePosixPath(file).relative_to(folder)): file for file in files}
    stems: dict[str, list[str]] = {}
    for name, file in names.items():
        stems.setdefault(str(PurePosixPath(name).with_suffix("")), []).append(file)
    return {stem: same[0] for stem, same in stems.items() if len(same) == 1} | names


def _vocabulary(params: GithubTableParams) -> Vocabulary:
    views = {word: OF_VIEW.get(view, view) for word, view in inverted(params.views, "views").items()}
    return vocabulary_of(
        params.table,
        params.findings,
        views if params.columns.view else {"": NOT_SAID},
        params.xray if params.columns.modality else ("",),
    )


SOURCE = Source(GithubTableParams, fetch, list_images, DESCRIPTION)
