"""What the watch compares with: the counts of the commissioning, in the site profile's part `reference`."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cxr.common.errors import CxrError
from cxr.inference.site_profile import Histogram, read_profile
from cxr.watch.sequential import Counts
from cxr.watch.statistics import BY_NAME, STATISTICS, Statistic
from cxr.watch.store import BINS

MOST_COUNTED = 10_000_000  # pictures of a reference


@dataclass(frozen=True)
class Reference:
    """counts: int64[statistics, BINS]; a row of zeros is a statistic without one. digest: of what it is made from."""

    counts: Counts
    digest: str

    @classmethod
    def none(cls) -> "Reference":
        """Of a site without a profile: a picture is compared with all before it."""
        return cls(np.zeros((len(STATISTICS), BINS), np.int64), "none")

    @property
    def order(self) -> Counts:
        """int64[statistics, BINS]: the bins in the order in which they are ranked. Numbers by size; names from the most
        frequent one to those that the reference lacks, so that a new name has the highest rank."""
        found = np.tile(np.arange(BINS), (len(STATISTICS), 1))
        for number, statistic in enumerate(STATISTICS):
            if statistic.named:
                found[number] = np.argsort(-self.counts[number], kind="stable")
        return found

    def has(self, number: int) -> bool:
        """Whether the statistic at this place has one."""
        return bool(self.counts[number].any())


def read_reference(profile: Path, without: Collection[str] = ()) -> Reference:
    """The reference in a site profile. without: statistics that it is not used for, such as those that depend on a
    share of positives that the commissioning chose. Raises CxrError in one sentence."""
    return reference_from(read_profile(profile).reference, str(profile), without)


def reference_from(said: Mapping[str, Histogram], where: str, without: Collection[str] = ()) -> Reference:
    """where: the profile, for an error's sentence. Raises CxrError."""
    counts = Reference.none().counts
    for name in (name for name in said if name not in without):
        if name not in BY_NAME:
            raise CxrError(f"{where}: the reference has {name!r}; this program counts {', '.join(BY_NAME)}")
        statistic = BY_NAME[name]
        counts[STATISTICS.index(statistic), : statistic.bins] = _counts(said[name], statistic, where)
    document = [{name: asdict(histogram) for name, histogram in said.items()}, sorted(without)]
    return Reference(counts, hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest())


def _counts(histogram: Histogram, statistic: Statistic, where: str) -> tuple[int, ...]:
    if histogram.edges != statistic.edges:
        raise CxrError(
            f"{where}: the reference of {statistic.name!r} has other edges than this program counts by; commission the "
            "site again with this version"
        )
    if len(histogram.counts) != statistic.bins or max(histogram.counts) > MOST_COUNTED:
        raise CxrError(
            f"{where}: the reference of {statistic.name!r} must have {statistic.bins} counts of at most {MOST_COUNTED}"
        )
    return histogram.counts
