"""Which objects are asked about, by their headers. The service's gate looks at the picture afterwards."""

from pathlib import Path

from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.sources.dicom_facts import Pseudonyms, read_facts
from cxr.sources.dicom_folder import XRAY

# What BodyPartExamined says of a chest (PS3.16 annex L) and what careless devices make of it; "": it says nothing.
CHEST = ("CHEST", "THORAX", "LUNG", "CHEST_PA", "CHEST_AP", "CHEST PA", "CHEST AP", "TORAX", "")
FRONTAL = ("PA", "AP", "")


@dataclass(frozen=True, config=STRICT)
class RuleSettings:
    """What Modality, BodyPartExamined and ViewPosition may say, in capitals; "" where they are missing."""

    modalities: tuple[str, ...] = XRAY
    body_parts: tuple[str, ...] = CHEST
    views: tuple[str, ...] = FRONTAL


@dataclass(frozen=True)
class Looked:
    """study, patient: pseudonyms. reason: a code, why it is not asked about; "" where it is."""

    patient: str
    study: str
    reason: str


def look(file: Path, rules: RuleSettings, pseudonyms: Pseudonyms) -> Looked:
    """Read the header of `file` and pick. Raises OSError where it cannot be read now."""
    facts = read_facts(file, pseudonyms)
    if facts is None:
        return Looked("", "", "no_picture")
    checks = (
        ("modality", facts.modality in rules.modalities),
        ("body_part", facts.body_part in rules.body_parts),
        ("view", facts.view in rules.views),
    )
    return Looked(facts.patient, facts.study, next((code for code, holds in checks if not holds), ""))
