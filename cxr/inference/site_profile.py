"""The site profile: what commissioning found out about one model at one site, as a checked type and a JSON file.

The service reads it, so this needs neither pandas nor scipy. `cxr/inference/site_signature.py` signs it and checks who
did.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cxr.common.atomic_files import write_json
from cxr.common.schema import KEY, require_known_schema
from cxr.inference.model_facts import is_number, is_probability
from cxr.inference.profile_fields import (
    LONGEST_TEXT,
    REMEDY,
    ProfileError,
    is_date,
    is_text,
    matches,
    or_null,
    part,
    read_part,
    sequence,
    table,
    that,
)

__all__ = ["ProfileError", "SiteProfile", "canonical", "document_of", "profile_of", "read_profile", "write_profile"]

SCHEMA_VERSION = 1
MOST_BYTES = 2**20
_SHORT = 12  # digits of a hash, as in a model's version
CERTIFIED = (
    "auc", "sensitivity", "specificity", "missed_among_unlikely", "false_among_likely", "uncertain_share",
    "calibration_error",
)  # fmt: skip
Verdict = Literal["for_use", "not_for_use"]
Withheld = Literal["not_for_use", "commissioning_expired"]  # why nothing is classified

_STATISTIC = r"[A-Za-z0-9_.-]{1,64}"
_STATISTICS = "statistics, by names of 1 to 64 letters, digits, '_', '.' and '-'"
_SITE = that(
    matches(r"(?! )[A-Za-z0-9._ -]{1,64}(?<! )"), "1 to 64 letters, digits, '.', '_', '-' and spaces, none at an end"
)
_VERDICT = that(lambda value: value in get_args(Verdict), "for_use or not_for_use")
_NUMBER = that(is_number, "a finite number")
_ABOVE_ZERO = that(lambda value: is_number(value) and value > 0, "a finite number above 0")
_PROBABILITY = that(is_probability, "a number from 0 to 1")
_COUNT = that(lambda value: type(value) is int and 0 <= value < 2**53, "a whole number from 0 on")
_TEXT = that(is_text, f"printable text of 1 to {LONGEST_TEXT} characters")
_DATE = that(is_date, "a date such as 2026-11-27")
_SHA256 = that(matches("[0-9a-f]{64}"), "64 digits of a SHA-256")
_HISTOGRAM = (
    "must have ascending numbers as edges and a count for each gap, or for these and both open ends; or different "
    "names as edges and as many counts"
)
_EDGE = that(lambda value: is_number(value) or is_text(value), "a finite number, or a name")


@dataclass(frozen=True)
class ModelOf:
    """The model that the profile is for. sha256: of its bundle's manifest (`cxr.inference.manifest.digest_of`)."""

    name: Annotated[str, _TEXT]
    version: Annotated[str, _TEXT]
    sha256: Annotated[str, _SHA256]


@dataclass(frozen=True)
class Calibration:
    """Log odds at the site = scale * the model's calibrated log odds + offset. scale: above 0."""

    scale: Annotated[float, _ABOVE_ZERO]
    offset: Annotated[float, _NUMBER]


@dataclass(frozen=True)
class Cuts:
    """On the site's probability, 0 to 1: unlikely below the first, likely from the second on, uncertain between."""

    unlikely_below: Annotated[float, _PROBABILITY]
    likely_from: Annotated[float, _PROBABILITY]


@dataclass(frozen=True)
class Limits:
    """What the site asked for, 0 to 1. missed_among_unlikely: of pictures called unlikely, the most that may be
    positive. false_among_likely: of those called likely, the most that may be negative. confidence: in both.
    sensitivity: of the threshold, at least."""

    missed_among_unlikely: Annotated[float, _PROBABILITY]
    false_among_likely: Annotated[float, _PROBABILITY]
    confidence: Annotated[float, _PROBABILITY]
    sensitivity: Annotated[float, _PROBABILITY]


@dataclass(frozen=True)
class Figure:
    """A number from 0 to 1 with its interval, measured on n pictures or patients."""

    value: Annotated[float, _PROBABILITY]
    low: Annotated[float, _PROBABILITY]
    high: Annotated[float, _PROBABILITY]
    n: Annotated[int, _COUNT]


@dataclass(frozen=True)
class Histogram:
    """What a statistic was when the site was commissioned. edges: ascending numbers, with a count for each gap between
    neighbours, or for these and the two open ends; or different names, with a count each."""

    edges: Annotated[tuple[float, ...] | tuple[str, ...], sequence(_EDGE, "edges")]
    counts: Annotated[tuple[int, ...], sequence(_COUNT, "counts")]


@dataclass(frozen=True)
class Commissioned:
    """on, valid_until: ISO dates; the last day is valid. by: who. images, patients: how many, all parts together."""

    on: Annotated[str, _DATE]
    by: Annotated[str, _TEXT]
    valid_until: Annotated[str, _DATE]
    images: Annotated[int, _COUNT]
    patients: Annotated[int, _COUNT]


@dataclass(frozen=True)
class Signature:
    """key: the Ed25519 public key, 64 hexadecimal digits. value: Base64 of the signature."""

    key: Annotated[str, that(matches("[0-9a-f]{64}"), "an Ed25519 public key of 64 hexadecimal digits")]
    value: Annotated[str, that(matches("[A-Za-z0-9+/]{86}=="), "an Ed25519 signature in Base64, 88 characters")]


@dataclass(frozen=True)
class SiteProfile:
    """threshold: on the site's probability, from which on a picture is called COVID. reasons: sentences for people;
    at least one where the verdict is not_for_use. triage: None only there. certified: names of CERTIFIED to what was
    measured on patients that nothing was chosen by. reference: names of statistics to what the watch compares with."""

    site: Annotated[str, _SITE]
    model: Annotated[ModelOf, part(ModelOf)]
    verdict: Annotated[Verdict, _VERDICT]
    reasons: Annotated[tuple[str, ...], sequence(_TEXT, "sentences")]
    calibration: Annotated[Calibration, part(Calibration)]
    threshold: Annotated[float, _PROBABILITY]
    triage: Annotated[Cuts | None, or_null(part(Cuts))]
    limits: Annotated[Limits, part(Limits)]
    certified: Annotated[Mapping[str, Figure], table(CERTIFIED.__contains__, part(Figure), ", ".join(CERTIFIED))]
    reference: Annotated[Mapping[str, Histogram], table(matches(_STATISTIC), part(Histogram), _STATISTICS)]
    commissioned: Annotated[Commissioned, part(Commissioned)]
    signature: Annotated[Signature | None, part(Signature)] = None

    @cached_property
    def version(self) -> str:
        """The start of the hash of its values, whoever signed them: what tells one commissioning from the next."""
        return sha256(canonical(self)).hexdigest()[:_SHORT]

    def withheld(self, today: date) -> Withheld | None:
        """Why nothing is to be classified under this profile on this day, or None. The last valid day is valid."""
        if self.verdict == "not_for_use":
            return "not_for_use"
        return "commissioning_expired" if today.isoformat() > self.commissioned.valid_until else None

    def require_model(self, digest: str, where: str) -> None:
        """digest: of the manifest of the bundle in `where`, "" where it has none. Raises ProfileError where the profile
        is not for that model."""
        if digest != self.model.sha256:
            raise ProfileError(
                f"the site profile of {self.site} is for {self.model.name} {self.model.version} "
                f"({self.model.sha256[:12]}), and {where} is another model ({digest[:12] or 'without a manifest'}); "
                "use that one, or commission this one by `cxr site commission`"
            )


def read_profile(path: Path) -> SiteProfile:
    """Raises ProfileError, in one sentence, on whatever the bytes of the file may be. No signature is checked here."""
    try:
        with path.open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        document = json.loads(data, object_pairs_hook=_without_repetition)
    except (OSError, ValueError, RecursionError) as fault:  # also a number of 5,000 digits, a list 100,000 deep
        raise ProfileError(f"{path} is not a readable site profile ({fault}); {REMEDY}") from None
    return profile_of(document, str(path))


def write_profile(profile: SiteProfile, path: Path) -> None:
    """Raises ProfileError where `read_profile` would."""
    document = document_of(profile)
    profile_of(document, str(path))
    write_json(document, path)


def profile_of(document: object, where: str) -> SiteProfile:
    """The profile of what a file holds. where: the file, for an error's sentence. Raises ProfileError."""
    if not isinstance(document, dict) or KEY not in document:
        raise ProfileError(f"{where} has no {KEY}, so it is no site profile; {REMEDY}")
    require_known_schema(document, SCHEMA_VERSION, where, ProfileError)
    profile = read_part(SiteProfile, {key: value for key, value in document.items() if key != KEY}, where, sign=": ")
    fault = _inconsistent(profile)
    if fault:
        raise ProfileError(f"{where}: {fault}; {REMEDY}")
    return profile


def document_of(profile: SiteProfile) -> dict[str, Any]:
    """What the file holds."""
    document = json.loads(json.dumps({KEY: SCHEMA_VERSION, **asdict(profile)}))  # lists in the place of tuples
    if profile.signature is None:
        del document["signature"]
    return document


def canonical(profile: SiteProfile) -> bytes:
    """What is signed: the file's JSON without its signature, names sorted, no spaces, ASCII."""
    document = document_of(replace(profile, signature=None))
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What is signed must be what is used: other programs may take the first of two values of one name."""
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name stands twice in one table")
    return table


def _inconsistent(profile: SiteProfile) -> str:
    """What does not fit together, "" where all does."""
    cuts, dates = profile.triage, profile.commissioned
    crossed = [name for name, figure in profile.certified.items() if figure.low > figure.high]
    unfit = [name for name, histogram in profile.reference.items() if not _fits(histogram)]
    faults = {
        "triage.unlikely_below must be at most likely_from": cuts and cuts.unlikely_below > cuts.likely_from,
        "threshold must lie from triage.unlikely_below to likely_from, or state and triage contradict each other": cuts
        and not cuts.unlikely_below <= profile.threshold <= cuts.likely_from,
        "triage is null; where the verdict is for_use it must be there": cuts is None and profile.verdict == "for_use",
        "reasons must have at least one where the verdict is not_for_use": profile.verdict == "not_for_use"
        and not profile.reasons,
        f"commissioned.valid_until must not be before {dates.on}": dates.valid_until < dates.on,
        f"commissioned.patients must be at most the images, {dates.images}": dates.patients > dates.images,
        f"certified.{''.join(crossed[:1])}.low must be at most high": crossed,
        f"reference.{''.join(unfit[:1])} {_HISTOGRAM}": unfit,
    }
    return next((fault for fault, holds in faults.items() if holds), "")


def _fits(histogram: Histogram) -> bool:
    edges, counts = histogram.edges, histogram.counts
    if all(isinstance(edge, str) for edge in edges):
        return len(set(edges)) == len(edges) == len(counts) > 0
    if any(isinstance(edge, str) for edge in edges):
        return False
    ascending = all(low < high for low, high in pairwise(edges))  # type: ignore[operator]
    return ascending and len(counts) in (len(edges) - 1, len(edges) + 1)
