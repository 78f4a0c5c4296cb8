"""What the stage `sealed` writes, as the report and the card read it."""

from typing_extensions import TypedDict

from cxr.audit.report_types import FindingEntry
from cxr.evaluation.report_types import Dice, NamedRate, Rate


class SealedPair(TypedDict):
    """What is measured once. bundle_sha256: of the registered files. test_set: `cxr.sealed.test_set.fingerprint`."""

    bundle_sha256: str
    test_set: str


class Look(SealedPair):
    """One look at test patients. model, version: in the registry. when: ISO 8601, UTC. why: one sentence."""

    id: str
    when: str
    model: str
    version: int
    why: str


class SealedFacts(SealedPair):
    """sealed.json: of one pair. when: it was computed. says: that no choice before used it."""

    model: str
    version: int
    when: str
    why: str
    says: str


class SealedAudit(TypedDict):
    """audit.json of a pair: the arms that need test patients. It decides on no stamp."""

    findings: list[FindingEntry]


class SealedGate(TypedDict):
    """gate.json of a pair. frontal_refused: "all" and by source. refused: by kind of picture."""

    frontal_refused: dict[str, Rate]
    refused: dict[str, NamedRate]


class SealedLungs(TypedDict):
    """lungs.json of a pair. why: there is no Dice, where there is none."""

    dice: Dice | None
    why: str


class SealedPlace(SealedPair):
    """registered.json: the pair of the registered version, and where its numbers are. folder: in reports/sealed.
    looks, looks_ever: at this test set, and at any."""

    folder: str
    looks: int
    looks_ever: int
