"""UIDs of results: the same source image, model, site profile and threshold always give the same ones."""

import hashlib
import uuid

from pydicom.dataset import Dataset

from cxr.dicom_results.options import UUID_ROOT
from cxr.dicom_results.said import Said

MOST = 64  # characters of a UID


def uid(root: str, *parts: str) -> str:
    """A UID under `root` that only depends on `parts`."""
    hashed = hashlib.sha256("\n".join(parts).encode()).digest()
    if root == UUID_ROOT:
        return f"{root}.{uuid.UUID(bytes=hashed[:16], version=5).int}"
    return f"{root}.{int.from_bytes(hashed) or 1}"[:MOST]


def series_uid(root: str, source: Dataset, said: Said, kind: str) -> str:
    """One series a source series, model, profile and kind of result: the objects of a series share their modality."""
    return uid(root, "series", kind, *_model(said), source.StudyInstanceUID, source.SeriesInstanceUID)


def instance_uid(root: str, source: Dataset, said: Said, kind: str) -> str:
    """Sending a result again sends the same object; another model, profile or threshold makes another."""
    return uid(root, "instance", kind, *_model(said), repr(said.threshold), source.SOPInstanceUID)


def _model(said: Said) -> tuple[str, ...]:
    """What answered: the model, and the profile where there was one."""
    answered = (said.model.name, said.model.version)
    return answered if said.commissioned is None else (*answered, said.commissioned.site, said.commissioned.profile)
