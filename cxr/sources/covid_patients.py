"""The patient of every picture that covid-chestxray-dataset's metadata names, the rejected ones included.

The index tells the patients of usable pictures only; a CT slice or a lateral view of a test patient is not to be
learned from either.
"""

from pathlib import Path

from cxr.sources.covid_chestxray import METADATA, _group_by_file, _merge_patients, read_metadata


def patients_by_path(directory: Path) -> dict[str, str]:
    """Path, relative to the source's folder, to patient id, under which the index has the patient's other pictures."""
    records = _group_by_file(read_metadata(directory / METADATA))
    patients = _merge_patients(records.values())
    return {path: patients[rows[0]["patientid"]] for path, rows in records.items()}
