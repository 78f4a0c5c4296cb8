"""The section audit of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT, Folds, Fraction, JpegQuality, Seed


@dataclass(frozen=True, config=STRICT)
class AuditLimits:
    """A model outside any of them is stamped `shortcut_flagged`. same_source_auc: at least, in every source
    that can be measured. without_lungs_auc: at most. false_positive_rate: at most, of every source. sensitivity: at
    least, of every source. mean_change, calls_turned: at most, of every harmless change."""

    same_source_auc: Annotated[float, Field(ge=0.5, le=1)]
    without_lungs_auc: Annotated[float, Field(ge=0.5, le=1)]
    false_positive_rate: Fraction
    sensitivity: Fraction
    mean_change: Fraction
    calls_turned: Fraction


@dataclass(frozen=True, config=STRICT)
class AuditParams:
    """border_width, shift: fractions of the image size. brightness: of the whole range. marker: the text pasted into a
    corner. masked_images: validation images that are asked about without lungs. behaviour_images:
    that the harmless changes are tried on. images_per_source: at most so many of each
    source and label for the arms on features. folds, permutations: of the probes."""

    section: ClassVar[str] = "audit"
    border_width: Annotated[float, Field(ge=0.02, le=0.4)]
    shift: Annotated[float, Field(ge=0.01, le=0.3)]
    brightness: Annotated[float, Field(ge=0.01, le=0.5)]
    jpeg_qualities: tuple[JpegQuality, ...]
    marker: str
    masked_images: Annotated[int, Field(ge=10, le=100_000)]
    behaviour_images: Annotated[int, Field(ge=2, le=100_000)]
    images_per_source: Annotated[int, Field(ge=20, le=100_000)]
    folds: Folds
    permutations: Annotated[int, Field(ge=0, le=10_000)]
    seed: Seed
    limits: AuditLimits
