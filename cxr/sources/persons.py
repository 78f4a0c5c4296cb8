"""One person under several names: whose pictures stand in more than one source.

Public collections copy from each other. A person who is in two of them must stand on one side of the split, count once
in an interval, and be left out whole where a source is left out.
"""

from collections import defaultdict
from collections.abc import Sequence

from cxr.data.manifest import ImageRow


def joined_patients(rows: Sequence[ImageRow], sources: Sequence[str]) -> dict[str, str]:
    """Each patient of `rows` to the name that the person bears from now on.

    A patient who holds a copy (`same_as`) of a picture of an earlier patient is that person. Earlier is who stands in
    an earlier of `sources`, and within one source who comes first by name. So a source that is added last renames only
    its own patients and moves nobody to another split. One of them may hold copies of two persons' pictures: then the
    first of the two has the name here, and the split joins both (cxr/data/splits.py).
    """
    rank = {source: place for place, source in enumerate(sources)}
    pictures: dict[tuple[int, str], set[str]] = defaultdict(set)
    for row in rows:
        pictures[rank[row.source], row.patient] |= {row.same_as} - {""}
    name_of: dict[str, str] = {}
    holder: dict[str, tuple[int, str]] = {}  # of each picture: the earliest patient who has it
    for patient in sorted(pictures):
        earlier = [holder[picture] for picture in pictures[patient] if picture in holder]
        name_of[patient[1]] = name_of[min(earlier)[1]] if earlier else patient[1]
        for picture in pictures[patient]:
            holder.setdefault(picture, patient)
    return name_of
