"""One look: takes what was counted since the last one through the tests, and keeps where they stand in the store.

Each answer is taken once, whenever and however often one looks. The store knows an hour's counts but not their order,
so an hour's new answers are taken in an order drawn by chance, which a world that has not changed leaves as it is.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from cxr.watch.reference import Reference
from cxr.watch.sequential import ABSENT, PICTURES_PER_FALSE_ALARM, Counts, Evidence, Ranks
from cxr.watch.statistics import STATISTICS
from cxr.watch.store import BINS, Store, StoreError


@dataclass(frozen=True)
class Alarm:
    """statistic: its name. since: the hour from which it has moved, as far as can be told; at: the hour of the alarm.
    picture: the number of the answer at which it came, from the watch's start. told: whether the webhook has it."""

    statistic: str
    since: int
    at: int
    picture: int
    told: bool = False


@dataclass
class Standing:
    """Where the tests stand. reference: the digest of what they compare with. pictures: taken since the start."""

    reference: str
    ranks: Ranks
    evidence: Evidence
    pictures: int = 0
    alarms: list[Alarm] = field(default_factory=list)
    looked_at: float = 0.0  # seconds since 1970
    compared: bool = True  # with the reference; else with what came since a restart

    @classmethod
    def fresh(cls, reference: Reference, *, compared: bool = True) -> "Standing":
        """compared: with the reference; else with what comes from now on."""
        counts = np.take_along_axis(reference.counts, reference.order, axis=1)
        return cls(
            reference.digest,
            Ranks.of_counts(counts if compared else counts * 0),
            Evidence.none((len(STATISTICS),)),
            compared=compared,
        )

    @classmethod
    def read(cls, text: str) -> "Standing | None":
        """As `text` wrote it; None where no look has been."""
        kept = json.loads(text)
        if not kept:
            return None
        arrays = {name: np.array(kept.pop(name)) for name in ("upto", "sums", "best", "since")}
        ranks = Ranks(arrays["upto"].astype(np.float64))
        evidence = Evidence(arrays["sums"].astype(np.float64), arrays["best"].astype(np.float64), arrays["since"])
        alarms = [Alarm(**alarm) for alarm in kept.pop("alarms")]
        return cls(ranks=ranks, evidence=evidence, alarms=alarms, **kept)

    @property
    def untold(self) -> bool:
        return any(not alarm.told for alarm in self.alarms)

    @property
    def text(self) -> str:
        evidence = {name: getattr(self.evidence, name).tolist() for name in ("sums", "best", "since")}
        return json.dumps(
            {
                "reference": self.reference,
                "pictures": self.pictures,
                "looked_at": self.looked_at,
                "compared": self.compared,
                "alarms": [asdict(alarm) for alarm in self.alarms],
                "upto": self.ranks.upto.tolist(),
                **evidence,
            }
        )

    def take(self, hour: int, counts: Counts, rng: np.random.Generator) -> None:
        """An hour's answers, int64[statistics, BINS], by rank."""
        for bins in _in_some_order(counts, rng):
            p = self.ranks.p_values(bins, rng.random(len(bins)))
            self.evidence.take(p, bins != ABSENT, hour)
            self.pictures += 1
            alarmed = self.evidence.alarmed
            if alarmed.any():
                for number in np.flatnonzero(alarmed).tolist():
                    self._alarm(number, hour)
                self.evidence.forget(alarmed)

    def _alarm(self, number: int, hour: int) -> None:
        """One of each statistic, until somebody restarts the watch."""
        name = STATISTICS[number].name
        if name not in {alarm.statistic for alarm in self.alarms}:
            self.alarms.append(Alarm(name, self.evidence.since_when(number), hour, self.pictures))


def look(
    store: Store, reference: Reference, rng: np.random.Generator, *, restart: bool = False, now_s: float | None = None
) -> Standing:
    """Take what is new, and say where the tests stand.

    Another reference than the last look's starts anew. restart: the present world is taken for the right one: alarms
    are dropped, and pictures are compared with those that come from now on. Raises StoreError.
    """
    number, text = store.document()
    standing = Standing.read(text)
    fresh = store.unseen()
    if restart:
        standing = Standing.fresh(reference, compared=False)
    else:
        if standing is None or standing.reference != reference.digest:
            standing = Standing.fresh(reference)
        for hour, counts in fresh.items():
            standing.take(hour, np.take_along_axis(counts, reference.order, axis=1), rng)
    standing.looked_at = time.time() if now_s is None else now_s
    if not store.looked(number + 1, standing.text, fresh):
        raise StoreError(f"another `cxr watch` looked into {store.path} meanwhile; look again")
    return standing


def mark_told(store: Store, standing: Standing) -> None:
    """The webhook has all alarms of this look. Raises StoreError."""
    number, text = store.document()
    kept = Standing.read(text)
    if kept is not None and kept.reference == standing.reference:
        told = {alarm.statistic for alarm in standing.alarms}
        kept.alarms = [replace(alarm, told=alarm.told or alarm.statistic in told) for alarm in kept.alarms]
        store.looked(number + 1, kept.text, {})


def alarms_of(store: Store) -> tuple[float, set[str]]:
    """When the last look was, in seconds since 1970, 0 for never; and what has moved. Raises StoreError."""
    kept = json.loads(store.document()[1])
    return kept.get("looked_at", 0.0), {alarm["statistic"] for alarm in kept.get("alarms", [])}


def _in_some_order(counts: Counts, rng: np.random.Generator) -> Counts:
    """int64[pictures, statistics]: each statistic's bins as often as counted, in an order of chance; ABSENT where a
    statistic has fewer than another one."""
    drawn = [rng.permutation(np.repeat(np.arange(BINS), row)) for row in counts]
    order = np.full((max(map(len, drawn)), len(drawn)), ABSENT, np.int64)
    for number, bins in enumerate(drawn):
        order[: len(bins), number] = bins
    return order


def shares(counts: Counts, statistic: int) -> Mapping[str, float]:
    """By bin's label, the share of a statistic's answers there, for bins that have any. counts: [statistics, BINS]."""
    row = counts[statistic]
    whole = row.sum()
    return {
        STATISTICS[statistic].label_of(place): round(float(row[place] / whole), 4)
        for place in np.flatnonzero(row).tolist()
    }


def said_of(standing: Standing, store: Store, reference: Reference, hour: int) -> dict[str, Any]:
    """What a look found, as JSON: no picture and no identity. hour: it is now. Raises StoreError."""
    evidence = standing.evidence.of_statistics
    compared_with = reference if standing.compared else Reference.none()
    return {
        "schema_version": 1,
        "pictures": standing.pictures,
        "pictures_per_false_alarm": PICTURES_PER_FALSE_ALARM,
        "looked_at": _utc(standing.looked_at),
        "moved": [_moved(alarm, store, compared_with, hour) for alarm in standing.alarms],
        "evidence": {statistic.name: float(f"{evidence[n]:.3g}") for n, statistic in enumerate(STATISTICS)},
    }


def _moved(alarm: Alarm, store: Store, reference: Reference, hour: int) -> dict[str, Any]:
    number = next(n for n, statistic in enumerate(STATISTICS) if statistic.name == alarm.statistic)
    before = reference.counts if reference.has(number) else store.counts(0, alarm.since)
    after = store.counts(alarm.since, hour + 1)
    return {
        "statistic": alarm.statistic,
        "since": _utc(3600 * alarm.since),
        "alarm": _utc(3600 * alarm.at),
        "picture": alarm.picture,
        "before": shares(before, number),
        "after": shares(after, number),
        "answers_since": int(after[number].sum()),
        "devices_since": store.devices(alarm.since, hour + 1),
    }


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(seconds))
