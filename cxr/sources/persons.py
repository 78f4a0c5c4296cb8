"""One person under several names: whose pictures stand in more than one source.

Public collections copy from each other. A person who is in two of them must stand on one side of the split, count once
in an interval, and be left out whole where a source is left out.
"""

from collections.abc import Mapping, Sequence

from cxr.data.manifest import ImageRow


def joined_patients(rows: Sequence[ImageRow], sources: Sequence[str]) -> dict[str, str]:
    """Each patient of `rows` to the name that the person bears from now on.

    Patients are one person where copies of one picture (`same_as`) are filed under both. Of their names the one from
    the earliest of `sources` stays, so that a source that is added last moves no patient to another split; within one
    source the first by name.
    """
    rank = {source: place for place, source in enumerate(sources)}
    order = {row.patient: (rank[row.source], row.patient) for row in rows}
    first = {patient: patient for patient in order}
    by_picture: dict[str, str] = {}
    for row in rows:
        if row.same_as:
            one, other = (_end(first, name) for name in (row.patient, by_picture.setdefault(row.same_as, row.patient)))
            kept, renamed = sorted((one, other), key=order.__getitem__)
            first[renamed] = kept
    return {patient: _end(first, patient) for patient in order}


def _end(first: Mapping[str, str], patient: str) -> str:
    while first[patient] != patient:
        patient = first[patient]
    return patient
