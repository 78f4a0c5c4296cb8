"""What a DICOM header says of a picture, with pseudonyms for whoever it names.

A name, a date or a number of a header leaves this module only as a hash with a secret key: without the key nobody can
try names until one fits.
"""

import datetime
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from cxr.common.errors import SourceError
from cxr.imaging.dicom_elements import if_dicom, read_elements

KEY_BYTES = 32
READ = (
    *("PatientID", "IssuerOfPatientID", "PatientSex", "PatientAge", "PatientBirthDate", "StudyDate"),
    *(
        "StudyInstanceUID",
        "AccessionNumber",
        "Modality",
        "BodyPartExamined",
        "ViewPosition",
        "PhotometricInterpretation",
    ),
)
DAYS = {"D": 1, "W": 7, "M": 30.44, "Y": 365.25}
OLDEST = 90  # years; above, an age alone may tell who it is


@dataclass(frozen=True, slots=True)
class DicomFacts:
    """patient, study: pseudonyms, "" where the header has none. accession: a secret, to look the label up. age: years,
    at most OLDEST, or ""."""

    patient: str
    study: str
    accession: str
    sex: str
    age: str
    view: str
    modality: str
    body_part: str
    photometric: str


class Pseudonyms:
    """Hashes of identities by one key, so that the same person has the same pseudonym in every run."""

    def __init__(self, key: bytes):
        self._key = key

    @classmethod
    def of_file(cls, path: Path, source: str) -> "Pseudonyms":
        """The key in `path`, which is made once. Raises SourceError where it lies in the project or is no key."""
        place = path.resolve()
        if place.is_relative_to(Path.cwd()):
            raise SourceError(f"{source}: key {path} is inside the project; set `key` to a place beside your pictures")
        if not place.exists():
            place.touch(mode=0o600)
            place.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
        text = place.read_text(encoding="ascii", errors="replace").strip()
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise SourceError(
                f"{source}: key {path} does not hold {2 * KEY_BYTES} hex digits; restore it, or remove it"
            )
        return cls(key)

    def of(self, *identity: str) -> str:
        """16 hex digits. identity: a file's name need not be UTF-8."""
        return hashlib.blake2b(
            "\0".join(identity).encode(errors="surrogateescape"), key=self._key, digest_size=8
        ).hexdigest()


def read_facts(file: Path, pseudonyms: Pseudonyms) -> DicomFacts | None:
    """None where the file is not DICOM, or no picture of a modality. Raises OSError where it cannot be read now."""

    def facts() -> DicomFacts | None:
        header = read_elements(file, READ)
        return _facts(header, pseudonyms) if _text(header, "Modality") else None

    return if_dicom(facts)


def _facts(header: Dataset, pseudonyms: Pseudonyms) -> DicomFacts:
    patient = _text(header, "PatientID")
    study = _text(header, "StudyInstanceUID")
    sex = _text(header, "PatientSex").upper()
    return DicomFacts(
        patient=pseudonyms.of("patient", _text(header, "IssuerOfPatientID"), patient) if patient else "",
        study=pseudonyms.of("study", study) if study else "",
        accession=_text(header, "AccessionNumber"),
        sex=sex if sex in ("F", "M") else "",
        age=_age(header),
        view=_text(header, "ViewPosition").upper(),
        modality=_text(header, "Modality").upper(),
        body_part=_text(header, "BodyPartExamined").upper(),
        photometric=_text(header, "PhotometricInterpretation").upper(),
    )


def _text(header: Dataset, keyword: str) -> str:
    """As the file has it: making a value of it would warn of a wrong one, and show it."""
    element = header.get_item(keyword)
    value = element.value if element is not None else None
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.strip(" \0")


def _age(header: Dataset) -> str:
    """Completed years, from the age itself or from the two dates; "0.5" for six months."""
    said = _text(header, "PatientAge").upper()
    if said[:-1].isdigit() and said[-1] in DAYS:
        years = int(said[:-1]) if said[-1] == "Y" else int(said[:-1]) * DAYS[said[-1]] / DAYS["Y"]
    else:
        born, taken = _date(header, "PatientBirthDate"), _date(header, "StudyDate")
        if born is None or taken is None or taken < born:
            return ""
        years = (taken - born).days / DAYS["Y"]
    return f"{min(years, OLDEST):.1f}" if years < 1 else str(min(int(years), OLDEST))


def _date(header: Dataset, keyword: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(_text(header, keyword), "%Y%m%d").date()
    except ValueError:
        return None
