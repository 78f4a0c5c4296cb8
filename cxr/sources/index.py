"""From what the sources list to the image table: open every file once, keep the usable ones, count the others."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cxr.common.errors import ImageError
from cxr.common.parallel import map_in_order
from cxr.data.manifest import ImageRow, RejectedRow
from cxr.imaging.decode import decode
from cxr.imaging.exposure import exposure_fault
from cxr.sources import SOURCES, Candidate, Listing
from cxr.sources.settings import DownloadParams, SourceParams

HASH_SIDE = 16  # 16 x 16 lowest frequencies: at 8 x 8 two children's chests look like one


class _Task(NamedTuple):
    file: Path
    source: str
    role: str
    candidate: Candidate


def build_index(params: DownloadParams, raw: Path) -> tuple[list[ImageRow], list[RejectedRow]]:
    """Every source's images under raw/<name>, sorted by path. A file that can not be used is a rejected row."""
    tasks: list[_Task] = []
    rejected: list[RejectedRow] = []
    for name, source in params.all().items():
        listing: Listing = SOURCES[source.kind].list_images(source, raw / name, name)
        rejected.extend(RejectedRow(f"{name}/{row.path}", name, row.reason, row.detail) for row in listing.rejected)
        for candidate in listing.candidates:
            role = _role(candidate, source, external=name in params.external)
            tasks.append(_Task(raw / name / candidate.path, name, role, candidate))
    # What imagehash imports when it is called takes longer than a hundred images: once here, not in every process.
    import scipy.fftpack  # noqa: F401

    rows: list[ImageRow] = []
    for result in map_in_order(_open, tasks, len(tasks), "index"):
        if isinstance(result, ImageRow):
            rows.append(result)
        else:
            rejected.append(result)
    contradictory = set(_conflicting(rows))
    rejected.extend(
        RejectedRow(row.path, row.source, "conflicting_labels", row.label) for row in rows if row in contradictory
    )
    rows = [row for row in rows if row not in contradictory]
    return sorted(rows, key=lambda row: row.path), sorted(rejected, key=lambda row: (row.path, row.reason))


def _role(candidate: Candidate, source: SourceParams, *, external: bool) -> str:
    if external:
        return "external"
    return "train" if candidate.label in source.train_on else "audit"


def _open(task: _Task) -> ImageRow | RejectedRow:
    """Read and decode one file, to its end: a picture that breaks off must not surprise a later stage."""
    path = f"{task.source}/{task.candidate.path}"
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
    )


def _perceptual_hash(picture) -> str:
    """256 bits as hex: the signs of the lowest frequencies against their median (DCT, as in pHash)."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(picture), hash_size=HASH_SIDE))


def _conflicting(rows: list[ImageRow]) -> Iterator[ImageRow]:
    """Rows whose very bytes also stand under the other label: nobody can say which is right."""
    by_bytes: dict[str, list[ImageRow]] = defaultdict(list)
    for row in rows:
        by_bytes[row.sha256].append(row)
    for same in by_bytes.values():
        if len({row.label for row in same}) > 1:
            yield from same
