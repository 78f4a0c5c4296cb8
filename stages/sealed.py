"""Ask the registered version about the test patients, once for each test set, and count the look. No choice reads this.

Where the pair of version and test set was measured before, here or by another workspace of the same registry, its
numbers are read. An experiment does not look.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, cast

from cxr.audit.checks import Finding
from cxr.audit.verdict import as_metrics
from cxr.common import paths
from cxr.common.atomic_files import replace_when_complete
from cxr.common.config import load_params
from cxr.common.errors import CxrError
from cxr.common.labels import CLASSES
from cxr.common.paths import FEATURE_CACHE, MODEL_REPORTS, REPORTS, SEALED
from cxr.common.report_files import read_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset, Split
from cxr.data.manifest import LungMask, OtherView, read_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import split_of_patient
from cxr.evaluation.metric_catalogue import METRICS
from cxr.evaluation.report_types import MetricsReport
from cxr.gate.dataset import frontal_pictures, joined, other_views
from cxr.inference.predictor import Predictor
from cxr.lungs.train import find_masks
from cxr.promotion.moves import EXPERIMENT
from cxr.promotion.settings import RegisterParams
from cxr.sealed.looks import Count, count, look_at, record, recorded
from cxr.sealed.measurement import TEST, SealedParams, SealedPatients, measure_into
from cxr.sealed.report_types import Look, SealedAudit, SealedFacts, SealedPair
from cxr.sealed.results import FACTS, folder_of, is_measured, now, point_to, write_facts
from cxr.sealed.test_set import fingerprint
from cxr.tracking import registry, sealed
from cxr.tracking.publishing import publish
from cxr.tracking.report_types import RegisterReport

NOT_LOOKED = (
    "an experiment does not look at the test patients; once you keep it, `dvc repro --force --single-item sealed` and "
    "`dvc repro` take the sealed test of its version"
)


def main() -> str:
    if os.environ.get(EXPERIMENT):
        SEALED.mkdir(parents=True, exist_ok=True)  # DVC wants its output there
        return NOT_LOOKED
    register = read_report(RegisterReport, REPORTS / "register.json")
    version = registry.find_version(load_params(RegisterParams).model, register["version"])
    data = Dataset.read(paths.INDEX, paths.SPLIT, paths.PIXELS)
    test = data.split(TEST)
    require_both_classes(test)
    pair: SealedPair = {"bundle_sha256": version.bundle_sha256, "test_set": fingerprint(test)}
    record(known_looks(version.name))
    known = is_measured(pair) or sealed.fetch_sealed(version, folder_of(pair), FACTS)
    if not known:
        measured(version, pair, data, f"registered, as it has the {register['why']}")
    seen = count(recorded(), pair["test_set"])
    point_to(pair, seen)
    auc = told(version, register["winner"], pair, seen)
    how = "read, it was measured before" if known else "measured"
    return f"{version} on test patients: AUC {auc} ({how}); looks at this test set: {seen.this}, at any: {seen.ever}"


def require_both_classes(test: Split) -> None:
    """Raises CxrError where the test patients carry one class only: then there is no AUC to be measured."""
    labels = {row.label for row in test.rows}
    if len(labels) < len(CLASSES):
        raise CxrError(
            f"the test patients carry one class only, {', '.join(labels)}; add patients, or change split.seed or "
            "split.test_fraction in params.yaml"
        )


def known_looks(model: str) -> list[Look]:
    """Those that any workspace of the registry made."""
    return [cast(Look, look) for look in sealed.known_looks(model)]


def measured(version: registry.Version, pair: SealedPair, data: Dataset, why: str) -> None:
    """Leave the pair's folder. The look is counted before anybody can see a number."""
    with tempfile.TemporaryDirectory() as temporary:
        model = Predictor.load(registry.fetch_bundle(version, Path(temporary) / "bundle"))
        with replace_when_complete(folder_of(pair)) as unfinished:
            unfinished.mkdir()
            measure_into(unfinished, model, patients_of(data), SealedParams.load(), FEATURE_CACHE)
            look = look_at(pair, version.name, version.number, now(), why)
            write_facts(look, unfinished)
            record([look])


def patients_of(data: Dataset) -> SealedPatients:
    """What is known of the test patients: their frontal pictures, other views and lung masks."""
    split = load_params(SplitParams)
    views_of_all = data.in_groups(read_rows(OtherView, paths.OTHER_VIEWS))  # a copy's patient may be in training
    listed = [view for view in views_of_all if split_of_patient(view.patient, split) == TEST]
    frontal = frontal_pictures(data)
    views = joined(frontal.where(frontal.splits == TEST), other_views(listed, paths.RAW, data.pixels.shape[1], split))
    masks = find_masks(data, read_rows(LungMask, paths.LUNG_MASKS), paths.RAW, split).on(TEST)
    return SealedPatients(data, views, masks)


def told(version: registry.Version, winner: str, pair: SealedPair, seen: Count) -> str:
    """Tell MLflow; gives the AUC in words."""
    folder = folder_of(pair)
    metrics = read_report(MetricsReport, folder / "metrics.json")
    facts = read_report(SealedFacts, folder / FACTS)
    run = publish(MODEL_REPORTS / winner)
    auc = "{value:.4f} ({low:.4f} to {high:.4f})".format(**metrics["auc"])
    tags = {
        "auc": auc,
        "when": facts["when"],
        "says": facts["says"],
        "test_set": pair["test_set"],
        "looks": str(seen.this),
        "looks_ever": str(seen.ever),
    }
    sealed.log_sealed(version, run.run_id, folder, values_of(metrics, folder), tags)
    sealed.tell_looks(version.name, recorded())
    return auc


def values_of(metrics: MetricsReport, folder: Path) -> dict[str, float]:
    """As MLflow takes them: auc, auc_low, …, images, patients, and the audit's as audit/<arm>/…."""
    found: dict[str, float] = {name: metrics["counts"][name] for name in ("images", "patients")}
    for name in METRICS:
        one: Any = metrics.get(name)  # files of before a metric was added lack it
        for ending in ("value", "low", "high"):
            if one and one[ending] is not None:
                found[name if ending == "value" else f"{name}_{ending}"] = one[ending]
    entries = read_report(SealedAudit, folder / "audit.json")["findings"]
    audited = as_metrics(Finding(**entry) for entry in entries)
    return {**found, **{f"audit/{name}": value for name, value in audited.items()}}


if __name__ == "__main__":
    run_stage(main)
