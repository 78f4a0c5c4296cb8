"""What is counted about an answer: a few numbers in fixed bins, and neither picture nor identity.

A statistic is one entry of STATISTICS. Its bins never change: another layout is another statistic with another name,
since counts of many months and the references of site profiles are of these bins.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cxr.common.labels import CLASSES, COVID_INDEX
from cxr.inference.answer import Answer
from cxr.inference.site_profile import Histogram
from cxr.watch.codings import CODINGS, OTHER

Value = float | str
LOOKED_AT = 128  # rows and columns of a picture, evenly spread, whose mean grey stands for that of all pixels


@dataclass(frozen=True)
class Statistic:
    """edges: ascending numbers, with open ends, so one bin more than edges; or names, a bin each, of which the last
    takes every other name."""

    name: str
    edges: tuple[float, ...] | tuple[str, ...]

    @property
    def named(self) -> bool:
        return isinstance(self.edges[0], str)

    @property
    def bins(self) -> int:
        return len(self.edges) if self.named else len(self.edges) + 1

    def bin_of(self, value: Value) -> int:
        """A value on an edge belongs to the bin above it."""
        if self.named:
            return self.edges.index(value) if value in self.edges else self.bins - 1
        return bisect_right(self.edges, value)

    def label_of(self, number: int) -> str:
        """What people and Prometheus read for a bin: a name, or "<0.1", "0.1-0.2", ">=0.2"."""
        if self.named:
            return str(self.edges[number])
        if number == 0:
            return f"<{self.edges[0]:g}"
        if number == self.bins - 1:
            return f">={self.edges[-1]:g}"
        return f"{self.edges[number - 1]:g}-{self.edges[number]:g}"


def _probabilities() -> tuple[float, ...]:
    """Half a unit of the log odds apart: most answers of a site are near 0."""
    return tuple(round(float(1 / (1 + np.exp(-odds / 2))), 4) for odds in range(-12, 13))


SIDES = tuple(float(round(128 * 2 ** (step / 4))) for step in range(25))  # 128 to 8192 pixels, a fifth more each
ASPECTS = tuple(round(2 ** (step / 8), 4) for step in range(-8, 9))  # 0.5 to 2
FAMILIARITIES = (0.002, 0.005, 0.01, 0.02, 0.05, *(round(0.1 * tenth, 1) for tenth in range(1, 10)))
GATE = ("passed", "blank", "exposure", "not_xray", "ct", "lateral", "not_frontal", "inverted", OTHER)

# The place in this list is the statistic's number in the store.
STATISTICS = (
    Statistic("probability", _probabilities()),
    Statistic("familiarity", FAMILIARITIES),
    Statistic("brightness", tuple(float(grey) for grey in range(10, 251, 10))),
    Statistic("width", SIDES),
    Statistic("height", SIDES),
    Statistic("aspect", ASPECTS),
    Statistic("coding", CODINGS),
    Statistic("gate", GATE),
    Statistic("triage", ("unlikely", "uncertain", "likely", OTHER)),
)
BY_NAME: Mapping[str, Statistic] = {statistic.name: statistic for statistic in STATISTICS}


def values_of(coding: str, picture: np.ndarray, said: Answer) -> dict[str, Value]:
    """By statistic, what is true of an answer; a statistic that it does not have is left out.

    coding, picture: as `values_of_picture` takes them.
    """
    values = values_of_picture(coding, picture)
    values["gate"] = "passed" if said.reason is None else said.reason.code
    if said.probabilities is not None:
        values["probability"] = said.probabilities[CLASSES[COVID_INDEX]]
    if said.familiarity is not None:
        values["familiarity"] = said.familiarity
    if said.triage is not None:  # only where a site profile is in force
        values["triage"] = said.triage
    return values


def values_of_picture(coding: str, picture: np.ndarray) -> dict[str, Value]:
    """The statistics that need no answer.

    coding: of the picture's file, as `coding_and_device` gives it. picture: uint8[h, w], as decoded. width, height:
    pixels. brightness: mean grey, 0 to 255.
    """
    height, width = picture.shape
    return {
        "brightness": brightness_of(picture),
        "width": width,
        "height": height,
        "aspect": width / height,
        "coding": coding,
    }


def brightness_of(picture: np.ndarray) -> float:
    """Mean grey of uint8[h, w], 0 to 255, of at most LOOKED_AT by LOOKED_AT pixels: microseconds, whatever its size."""
    down = -(-picture.shape[0] // LOOKED_AT)
    across = -(-picture.shape[1] // LOOKED_AT)
    return float(picture[::down, ::across].mean())


def reference_of(observed: Iterable[Mapping[str, Value]]) -> dict[str, Histogram]:
    """The part `reference` of a site profile: counts by statistic of `values_of` the pictures of the commissioning.

    A statistic that no picture has is left out."""
    counts = {statistic.name: [0] * statistic.bins for statistic in STATISTICS}
    for values in observed:
        for name, value in values.items():
            counts[name][BY_NAME[name].bin_of(value)] += 1
    return {name: Histogram(BY_NAME[name].edges, tuple(found)) for name, found in counts.items() if sum(found)}
