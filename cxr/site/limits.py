"""What a site asks of a model before it may answer there."""

from dataclasses import dataclass, fields

from cxr.common.errors import CxrError


@dataclass(frozen=True)
class SiteLimits:
    """missed_among_unlikely: of those called unlikely, the most that may be positive. false_among_likely: of those
    called likely, the most that may be negative. confidence: in each of these limits, over the draw of the calibration
    patients. sensitivity: at least, of the threshold. All above 0 and below 1."""

    missed_among_unlikely: float = 0.05
    false_among_likely: float = 0.20
    confidence: float = 0.95
    sensitivity: float = 0.85

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 < value < 1:
                raise CxrError(f"{field.name} is {value}; name a share above 0 and below 1")
