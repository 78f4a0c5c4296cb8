"""What is kept about an answer, and what may come back."""

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from cxr.common.labels import CLASSES, COVID_INDEX, REFUSED
from cxr.inference.answer import Answer
from cxr.inference.site_profile import SiteProfile, document_of
from cxr.inference.triage import GROUPS
from cxr.watch.statistics import BY_NAME

Outcome = Literal["positive", "negative", "unknown"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

# The place in these lists is the number in the store.
STATES = (*CLASSES, REFUSED)
TRIAGES = (*GROUPS, None)  # None: without a site profile, or refused
TRUTHS = ("none", "unknown", "negative", "positive")  # none: nothing has come back

PROBABILITY = BY_NAME["probability"]
NO_BIN = PROBABILITY.bins  # of a refused picture

ID_BYTES = 16
ID_PATTERN = rf"^a[0-9a-f]{{{2 * ID_BYTES}}}$"  # with a letter in front, no table program takes it for a number


@dataclass(frozen=True)
class Setup:
    """Whose answers are judged together. model: its name and version. site: its name, "" without a profile. profile:
    the digest of the site's profile, "" without one: after commissioning anew, a group is another group."""

    model: str
    site: str = ""
    profile: str = ""


@dataclass(frozen=True)
class Given:
    """An answer, as it is kept. hour: since 1970, UTC. state, triage: places in STATES and TRIAGES. bin: of the
    probability of COVID, as the watch has them, or NO_BIN."""

    hour: int
    setup: Setup
    state: int
    triage: int
    bin: int


def model_of(name: str, version: str) -> str:
    return f"{name}:{version}"


def setup_of(name: str, version: str, site: SiteProfile | None) -> Setup:
    """The model by its name and version, at a site or at none."""
    model = model_of(name, version)
    return Setup(model) if site is None else Setup(model, site.site, profile_digest(site))


def profile_digest(profile: SiteProfile) -> str:
    """12 hexadecimal digits; a signature changes nothing in it."""
    document = {name: value for name, value in document_of(profile).items() if name != "signature"}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]


def given_of(said: Answer, setup: Setup, hour: int) -> Given:
    """What is kept of an answer."""
    probability = None if said.probabilities is None else said.probabilities[CLASSES[COVID_INDEX]]
    return Given(
        hour,
        setup,
        STATES.index(said.state),
        TRIAGES.index(said.triage),
        NO_BIN if probability is None else PROBABILITY.bin_of(probability),
    )


def new_id() -> bytes:
    """Of an answer: by chance, so that nobody guesses another one's."""
    return secrets.token_bytes(ID_BYTES)


def text_of_id(number: bytes) -> str:
    return "a" + number.hex()


def id_of_text(text: str) -> bytes | None:
    """None where it is no id."""
    return bytes.fromhex(text[1:]) if re.fullmatch(ID_PATTERN, text) else None
