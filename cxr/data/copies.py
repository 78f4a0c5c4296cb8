"""The table of copies: pairs of images that show one picture, and who is joined by them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from cxr.common.errors import CxrError
from cxr.data.manifest import ImageRow

PICTURES, RECORDS, BOTH = "pictures", "records", "both"


@dataclass(frozen=True, slots=True)
class CopyRow:
    """Two images of one picture. first, second: their paths, the first in the index first. by: what tells: their
    PICTURES, the sources' RECORDS, or BOTH.

    The others are "" where the pictures do not tell. correlation: of what both show, 0 to 1: how sure it is. inner:
    "first" or "second", the one that lies on the other. top, left, height, width: where it does, in shares of the
    other's sides; it may reach beyond.
    """

    first: str
    second: str
    by: str
    correlation: str = ""
    inner: str = ""
    top: str = ""
    left: str = ""
    height: str = ""
    width: str = ""

    def __post_init__(self) -> None:
        if self.by not in (PICTURES, RECORDS, BOTH):
            raise CxrError(f"{self.first}: by {self.by!r} is not one of {PICTURES}, {RECORDS}, {BOTH}")


def named_copies(rows: Sequence[ImageRow]) -> set[tuple[int, int]]:
    """All pairs of positions (i, j), i < j, of pictures that the sources' records call copies of one."""
    holders: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        if row.same_as:
            holders[row.same_as].append(i)
    return {pair for found in holders.values() for pair in combinations(found, 2)}


def are_apart(first: ImageRow, second: ImageRow) -> bool:
    """Whether two images stand under two names: of two patients, or of one whom the index found in two sources."""
    return (first.patient, first.source) != (second.patient, second.source)


def pairs_of(rows: Sequence[ImageRow], copies: Iterable[CopyRow]) -> Iterator[tuple[ImageRow, ImageRow]]:
    """Raises CxrError where a copy is of no image in the index."""
    by_path = {row.path: row for row in rows}
    for copy in copies:
        try:
            yield by_path[copy.first], by_path[copy.second]
        except KeyError as path:
            raise CxrError(f"data/copies.csv names {path}, which is not in the index; run `dvc repro`") from None


def joined(pairs: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    """Everybody who is in a pair, with all whom a chain of pairs leads to, themselves included."""
    group: dict[str, set[str]] = {}
    for first, second in pairs:
        both = group.get(first, {first}) | group.get(second, {second})
        group.update(dict.fromkeys(both, both))
    return {name: frozenset(members) for name, members in group.items()}
