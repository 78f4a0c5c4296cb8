"""The audit's section of params.yaml, in the style of cxr/common/config.py."""

from dataclasses import dataclass
from typing import Annotated

from cxr.common.config import Within


@dataclass(frozen=True)
class AuditLimits:
    """A model outside any of them is stamped `shortcut_flagged`. same_source_auc: at least, in every source
    that can be measured. without_lungs_auc: at most. false_positive_rate: at most, of every source. sensitivity: at
    least, of every source. mean_change, calls_turned: at most, of every harmless change."""

    same_source_auc: Annotated[float, Within(0.5, 1)]
    without_lungs_auc: Annotated[float, Within(0.5, 1)]
    false_positive_rate: Annotated[float, Within(0, 1)]
    sensitivity: Annotated[float, Within(0, 1)]
    mean_change: Annotated[float, Within(0, 1)]
    calls_turned: Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class AuditParams:
    """border_width, shift: fractions of the image size. brightness: of the whole range. marker: the text pasted into a
    corner. masked_images: test images that are asked about without lungs. behaviour_images:
    that the harmless changes are tried on. images_per_source: at most so many of each
    source and label for the arms on features. folds, permutations: of the probes."""

    border_width: Annotated[float, Within(0.02, 0.4)]
    shift: Annotated[float, Within(0.01, 0.3)]
    brightness: Annotated[float, Within(0.01, 0.5)]
    jpeg_qualities: tuple[Annotated[int, Within(1, 95)], ...]
    marker: str
    masked_images: Annotated[int, Within(10, 100_000)]
    behaviour_images: Annotated[int, Within(2, 100_000)]
    images_per_source: Annotated[int, Within(20, 100_000)]
    folds: Annotated[int, Within(2, 20)]
    permutations: Annotated[int, Within(0, 10_000)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
    limits: AuditLimits
