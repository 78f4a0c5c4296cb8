"""One commissioning from the files to the files, in the order in which a person wants to hear of faults."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cxr.common.atomic_files import replace_when_complete
from cxr.common.author import author
from cxr.common.errors import CxrError
from cxr.data.manifest import REJECTIONS, RejectedRow
from cxr.inference.manifest import digest_of
from cxr.inference.model_store import stored_bundle
from cxr.inference.predictor import Predictor
from cxr.inference.site_profile import ModelOf, SiteProfile, document_of, profile_of, write_profile
from cxr.inference.site_signature import signed
from cxr.site.answered import ask
from cxr.site.commission import SiteReport, SiteRequest, commission, empty_profile
from cxr.site.examples import wrong_calls
from cxr.site.labelled import LabelledSite, labelled
from cxr.site.limits import SiteLimits
from cxr.site.page import PageFacts, page
from cxr.site.parts import Shares
from cxr.site.power import Power, power_of

PROFILE = "profile.json"
REPORT = "report.html"
SHOWN = 20  # faults of the input, one a line

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Order:
    """What a person asked for, as the command has it. key: of an Ed25519 private key in PEM, or None."""

    pictures: Path
    site: str
    model: str
    out: Path
    patient: str
    limits: SiteLimits
    shares: Shares
    seed: int
    by: str
    key: Path | None


def run(order: Order, tell: Tell) -> SiteProfile:
    """Writes profile.json and report.html into `order.out`. tell: takes what is to be said before the answers.

    Raises CxrError where the input, the model or the key will not do, before a picture is answered.
    """
    model = _model(order.model)
    asked = SiteRequest(order.site, order.by or author(), datetime.date.today(), order.limits, order.shares, order.seed)
    predictor = Predictor.load(model, precision="auto", latency=True)
    of = ModelOf(predictor.facts.name, predictor.facts.version, digest_of(model))
    key = None if order.key is None else order.key.read_bytes()
    _try_out(of, asked, key)
    with labelled(order.pictures, order.patient) as site:
        for line in _faults(site.rejected):
            tell(line)
        power = _power(site, order)
        for line in power.sentences:
            tell(line)
        report = _commissioned(predictor, site, of, asked, key, order.out, power)
    return report.profile


def _model(named: str) -> Path:
    """Raises ModelError where it is neither a folder nor in the store, CxrError where it has no manifest."""
    folder = Path(named) if Path(named).is_dir() else stored_bundle(named)
    if not digest_of(folder):
        raise CxrError(f"{folder} has no manifest, so no profile can name it; register the model again")
    return folder


def _try_out(of: ModelOf, asked: SiteRequest, key: bytes | None) -> None:
    """Raises ProfileError where site, person, model or key are not what a profile may have."""
    profile = empty_profile(of, asked)
    profile_of(document_of(profile), "the profile")
    if key is not None:
        signed(profile, key)


def _faults(rejected: Sequence[RejectedRow]) -> list[str]:
    """What is wrong with the files, one a line, and how many more."""
    lines = [
        f"{row.path}: {REJECTIONS[row.reason]} {f'({row.detail})' if row.detail else ''}".rstrip() for row in rejected
    ]
    more = [f"and {len(lines) - SHOWN} more; report.html counts them"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more


def _power(site: LabelledSite, order: Order) -> Power:
    positive = {row.patient for row in site.rows if row.label == "COVID"}
    negative = {row.patient for row in site.rows} - positive
    return power_of(len(positive), len(negative), order.shares, order.limits)


def _commissioned(
    predictor: Predictor,
    site: LabelledSite,
    of: ModelOf,
    asked: SiteRequest,
    key: bytes | None,
    out: Path,
    power: Power,
) -> SiteReport:
    answers = ask(predictor, site)
    if not answers.rows:
        raise CxrError(
            f"the model refuses all {answers.asked} pictures ({answers.refused}); it is not for such pictures"
        )
    report = commission(answers, of, asked)
    if key is not None:
        report = replace(report, profile=signed(report.profile, key))
    new = report.decision.parts == "certify"
    rows = [row for row, is_new in zip(answers.rows, new, strict=True) if is_new]
    p = report.p[new]
    wrong = wrong_calls(predictor, site.root, rows, p, p >= report.profile.threshold)
    out.mkdir(parents=True, exist_ok=True)
    with replace_when_complete(out / REPORT) as partial:
        partial.write_text(page(PageFacts(report, answers, power, site.rejected, wrong, asked.seed)), encoding="utf-8")
    write_profile(report.profile, out / PROFILE)
    return report
