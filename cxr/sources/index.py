"""From what the sources list to the tables: open every file once, keep the usable ones, count the others."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cxr.common.errors import ImageError
from cxr.common.parallel import map_in_order
from cxr.data.manifest import ImageRow, LungMask, OtherView, RejectedRow, read_rows
from cxr.imaging.decode import decode
from cxr.imaging.exposure import exposure_fault
from cxr.imaging.limits import MAX_FILE_BYTES
from cxr.sources.base import SOURCES, Candidate, Listing, SourceParams
from cxr.sources.mirror import LEFT_OUT
from cxr.sources.names import escaped, is_plain
from cxr.sources.persons import joined_patients
from cxr.sources.settings import DownloadParams

HASH_SIDE = 16  # 16 x 16 lowest frequencies: at 8 x 8 two children's chests look like one


class _Task(NamedTuple):
    file: Path
    source: str
    role: str
    candidate: Candidate


class Index(NamedTuple):
    """What all sources bring, in tables sorted by path; paths are relative to data/raw."""

    images: list[ImageRow]
    rejected: list[RejectedRow]
    other_views: list[OtherView]
    lung_masks: list[LungMask]


def build_index(params: DownloadParams, raw: Path) -> Index:
    """Every source's images under raw/<name>. A file that cannot be used is a rejected row."""
    configured = params.all()
    listings = {name: _listed(of, raw / name, name) for name, of in configured.items()}
    tasks = [
        _Task(raw / name / candidate.path, name, role_of(name, candidate.label, params), candidate)
        for name, listing in listings.items()
        for candidate in listing.candidates
    ]
    images, unusable = _opened(tasks)
    rejected = [*_rejected(listings), *unusable]
    person = joined_patients(images, list(configured))
    views = [replace(view, patient=person.get(view.patient, view.patient)) for view in _other_views(listings)]
    return Index(
        sorted((replace(row, patient=person[row.patient]) for row in images), key=lambda row: row.path),
        sorted(rejected, key=lambda row: (row.path, row.reason)),
        sorted(views, key=lambda row: row.path),
        sorted(_lung_masks(listings), key=lambda row: row.path),
    )


def _listed(params: SourceParams, directory: Path, name: str) -> Listing:
    """What the source lists, with the reasons of its own folder: what the mirror's copy left out, bad names, and
    files that nobody should read whole."""
    listing = SOURCES[params.kind].list_images(params, directory, name)
    left_out = read_rows(RejectedRow, directory / LEFT_OUT) if (directory / LEFT_OUT).is_file() else []
    known = {row.path for row in left_out}
    bad = [RejectedRow(escaped(row.path), name, "bad_name", "") for row in listing.candidates if not is_plain(row.path)]
    return Listing(
        [row for row in listing.candidates if is_plain(row.path)],
        [
            *left_out,
            *bad,
            *(replace(row, path=escaped(row.path)) for row in listing.rejected if escaped(row.path) not in known),
        ],
        [row for row in listing.other_views if is_plain(row.path) and not _is_too_large(directory / row.path)],
        [row for row in listing.lung_masks if is_plain(row.path) and not _is_too_large(directory / row.path)],
    )


def _is_too_large(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > MAX_FILE_BYTES


def _rejected(listings: Mapping[str, Listing]) -> Iterator[RejectedRow]:
    for name, listing in listings.items():
        for row in listing.rejected:
            yield replace(row, path=f"{name}/{row.path}")


def _other_views(listings: Mapping[str, Listing]) -> Iterator[OtherView]:
    for name, listing in listings.items():
        for view in listing.other_views:
            yield replace(view, path=f"{name}/{view.path}", patient=f"{name}/{view.patient}")


def _lung_masks(listings: Mapping[str, Listing]) -> Iterator[LungMask]:
    for name, listing in listings.items():
        for mask in listing.lung_masks:
            yield replace(mask, path=f"{name}/{mask.path}", picture=mask.picture and f"{name}/{mask.picture}")


def _opened(tasks: Sequence[_Task]) -> tuple[list[ImageRow], list[RejectedRow]]:
    """The images that can be used, and those that cannot."""
    # What imagehash imports when it is called takes longer than a hundred images: once here, not in every process.
    import scipy.fftpack  # noqa: F401

    rows: list[ImageRow] = []
    rejected: list[RejectedRow] = []
    for result in map_in_order(_open, tasks, len(tasks), "index"):
        if isinstance(result, ImageRow):
            rows.append(result)
        else:
            rejected.append(result)
    contradictory = set(_conflicting(rows))
    rejected.extend(
        RejectedRow(row.path, row.source, "conflicting_labels", row.label) for row in rows if row in contradictory
    )
    return [row for row in rows if row not in contradictory], rejected


def role_of(source: str, label: str, params: DownloadParams) -> str:
    """The role of that source's images of that label, one of `cxr.data.manifest.ROLES`."""
    if source in params.external:
        return "external"
    return "train" if label in params.sources[source].train_on else "audit"


def _open(task: _Task) -> ImageRow | RejectedRow:
    """Read and decode one file to its end, so that a picture which breaks off stops no later stage."""
    path = f"{task.source}/{task.candidate.path}"
    if _is_too_large(task.file):
        return RejectedRow(path, task.source, "too_large", f"{task.file.stat().st_size} bytes")
    try:
        data = task.file.read_bytes()
    except FileNotFoundError:
        return RejectedRow(path, task.source, "no_file", "")
    if not data:
        return RejectedRow(path, task.source, "empty_file", "")
    try:
        picture = decode(data)
    except ImageError as error:
        return RejectedRow(path, task.source, "corrupt", error.code)
    fault = exposure_fault(picture)
    if fault is not None:
        return RejectedRow(path, task.source, "exposure", fault)
    height, width = picture.shape
    found = task.candidate
    return ImageRow(
        path=path,
        source=task.source,
        label=found.label,
        patient=f"{task.source}/{found.patient}",
        view=found.view,
        finding=found.finding,
        sex=found.sex,
        age=found.age,
        sha256=hashlib.sha256(data).hexdigest(),
        phash=_perceptual_hash(picture),
        width=width,
        height=height,
        role=task.role,
        same_as=found.same_as,
    )


def _perceptual_hash(picture) -> str:
    """256 bits as hex: the signs of the lowest frequencies against their median (DCT, as in pHash)."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(picture), hash_size=HASH_SIDE))


def _conflicting(rows: list[ImageRow]) -> Iterator[ImageRow]:
    """Rows of files whose bytes also come with the other label: nobody can say which label is right."""
    by_bytes: dict[str, list[ImageRow]] = defaultdict(list)
    for row in rows:
        by_bytes[row.sha256].append(row)
    for same in by_bytes.values():
        if len({row.label for row in same}) > 1:
            yield from same
