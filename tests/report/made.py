"""The files of a finished pipeline, made by the code that makes them, on a few dozen noise pictures."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cxr.audit.checks import Finding
from cxr.audit.settings import AuditLimits
from cxr.audit.verdict import flagged
from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import INDEX, MODEL_REPORTS, PIXELS, REPORTS, SEALED, SPLIT, TRAINED
from cxr.data.dataset import Split
from cxr.data.manifest import ImageRow, count_by, write_rows
from cxr.data.predictions import write_predictions
from cxr.data.splits import SplitRow
from cxr.evaluation.curves import write_history
from cxr.evaluation.history import Epoch
from cxr.evaluation.of_split import evaluate_split
from cxr.evaluation.settings import EvaluateParams
from cxr.inference.engine import Engine
from cxr.report.facts import Registered
from cxr.sealed.looks import look_at
from cxr.sealed.report_types import SealedPair
from cxr.sealed.results import folder_of, write_facts
from tests.rows import image_row
from tests.tiny import tiny_bundle

ROOT = Path(__file__).parents[2]
REGISTERED = Registered("covid-cxr", 3, "0123456789abcdef0123456789abcdef", "b" * 64, "2026-01-31")
SIDE = 32
WINNER, OTHER = "vgg16", "xception"
MIDDLE = slice(SIDE // 4, -SIDE // 4)  # where `tests.tiny` looks
LIMITS = AuditLimits(
    same_source_auc=0.7,
    without_lungs_auc=0.6,
    false_positive_rate=0.1,
    sensitivity=0.85,
    mean_change=0.1,
    calls_turned=0.1,
)
FINDINGS = [
    Finding("same_source", "covid_chestxray", "auc", 0.541, 0.478, 0.603, 177, 112),
    Finding("same_source", "kaggle_pneumonia", "auc", None, None, None, 0, 0, "not measurable: one label only"),
    Finding("with_lungs", "plain pictures", "auc", 0.994, 0.988, 0.999, 154, 120),
    Finding("lungs_blacked_out", "lung masks", "auc", 0.973, 0.951, 0.991, 154, 120),
    Finding("lung_box_blacked_out", "lung masks", "auc", 0.962, 0.931, 0.986, 154, 120),
    Finding("border_only", "lung masks", "auc", 0.912, 0.871, 0.949, 154, 120),
    Finding("false_positive_rate", "covid_chestxray", "share called COVID", 0.82, 0.71, 0.91, 100, 61),
    Finding("sensitivity", "covid_chestxray", "share called COVID", 0.896, 0.824, 0.954, 77, 51),
    Finding("source_probe", "NonCOVID: a|b", "auc", 0.999, 0.997, 1.0, 400, 300),
    Finding("behaviour", "flip", "mean change", 0.021, 0.012, 0.034, 40, 38),
    Finding("behaviour", "flip", "95th percentile change", 0.11, None, None, 40, 38),
]
SEALED_FINDINGS = [
    Finding("with_lungs", "plain pictures", "auc", 0.981, 0.961, 0.995, 78, 40),
    Finding("lungs_blacked_out", "lung masks", "auc", 0.947, 0.902, 0.977, 78, 40),
    Finding("same_source", "kaggle_pneumonia", "auc", None, None, None, 0, 0, "not measurable: one label only"),
]
RATE = {"value": 0.967, "low": 0.933, "high": 0.987, "images": 120, "patients": 80}
GATE = {
    "threshold": 0.4,
    "trained_on": {"frontal": 100, "ct": 40},
    "frontal_refused": {"cross_fitted": {"all": {**RATE, "value": 0.004, "low": 0.0, "high": 0.011}}},
    "refused": {"ct": {**RATE, "named": 0.95}, "upside_down": {**RATE, "named": 0.9}},
}
UNSEEN_AUC = {**RATE, "value": 0.834, "low": 0.791, "high": 0.872}
PAIR = {
    "positive": "covid_chestxray",
    "negative": "adult_negatives",
    "auc": UNSEEN_AUC,
    "by_seed": [0.83, 0.84],
    "positives_called": {**RATE, "value": 0.713},
    "negatives_called": {**RATE, "value": 0.182, "low": 0.124, "high": 0.251},
}
UNSEEN = {
    "unseen_auc": {name: UNSEEN_AUC[name] for name in ("value", "low", "high")},
    "why": "",
    "worst": PAIR,
    "false_positive_rate": {"value": 0.182, "low": 0.124, "high": 0.251},
    "sensitivity": {"value": 0.713, "low": 0.653, "high": 0.771},
    "seeds": 2,
    "pairs": [PAIR],
    "impossible": [
        {
            "positive": "covid_chestxray",
            "negative": "covid_chestxray",
            "reason": "the other sources have no COVID image in validation",
        }
    ],
    "called": {"adult_negatives": {"NonCOVID": PAIR["negatives_called"]}},
    "external": {"elsewhere": {"auc": UNSEEN_AUC, "called": {"COVID": {**RATE, "value": 0.611}}}},
    "folds": [
        {
            "left_out": ["adult_negatives", "covid_chestxray"],
            "train_images": 40,
            "validation_images": 20,
            "asked_images": 30,
            "thresholds": [0.4, 0.5],
        }
    ],
}
DICE = {"mean": {**RATE, "value": 0.943}, "median": 0.951, "p5": 0.902, "worst": 0.811}
LUNGS = {"trained": True, "dice": {"validation": DICE}, "best_epoch": 40, "epochs": 60}


def make_files(root: Path) -> Path:
    """Everything that `cxr.report.facts.read_facts` reads, and the pictures."""
    rng = np.random.default_rng(3)
    rows, split_of = _rows()
    write_rows(rows, ImageRow, root / INDEX)
    write_rows([SplitRow(row.path, row.patient, split_of[row.path]) for row in rows], SplitRow, root / SPLIT)
    store = rng.integers(0, 128, (len(rows), SIDE, SIDE), np.uint8)
    for picture, row in zip(store, rows, strict=True):
        picture[MIDDLE, MIDDLE] += np.uint8(np.clip(rng.normal(60 if row.label == "COVID" else 40, 20), 0, 120))
    np.save(root / PIXELS, store)
    _write_params(root)
    test, validation = (_side(rows, split_of, store, name) for name in ("test", "validation"))
    for backbone in (WINNER, OTHER):
        _write_model(root, backbone, test, validation)
    register = {"winner": WINNER, "why": f"highest auc on the validation patients of {WINNER}, {OTHER}", "version": 3}
    decided = {
        "promoted": True,
        "reason": "promoted: there is no champion yet",
        "validation": {WINNER: 0.9, OTHER: 0.8},
    }
    write_json(register | decided, root / REPORTS / "register.json")
    write_json(_index_report(rows), root / REPORTS / "index.json")
    write_json({"near_duplicates_dropped": 2}, root / REPORTS / "split.json")
    write_json(LUNGS, root / REPORTS / "lungs.json")
    write_json(GATE, root / REPORTS / "gate.json")
    return root


def _rows() -> tuple[list[ImageRow], dict[str, str]]:
    """40 patients of two images each, COVID from one source; 16 held out of the same source, and not COVID."""
    rows, split_of = [], {}
    for number in range(56):
        covid, held_out = number % 2 == 0 and number < 40, number >= 40
        source = "covid_chestxray" if covid or held_out else "kaggle_pneumonia"
        adult = source == "covid_chestxray"
        for k in range(2):
            path = f"{source}/{number}-{k}.png"
            rows.append(
                image_row(
                    path,
                    source=source,
                    label="COVID" if covid else "NonCOVID",
                    patient=f"{source}/secret-{number}",
                    view="PA" if adult else "",
                    sex="MF"[number // 2 % 2] if adult else "",
                    age=str(30 + number) if adult else "",
                    finding="COVID-19 <b>|" if covid else "normal",
                    role="audit" if held_out else "train",
                )
            )
            split_of[path] = "held_out" if held_out else ("train", "validation", "test", "test")[number // 2 % 4]
    return rows, split_of


def _side(rows: list[ImageRow], split_of: dict[str, str], store: np.ndarray, name: str) -> Split:
    positions = [i for i, row in enumerate(rows) if split_of[row.path] == name]
    return Split([rows[i] for i in positions], np.array(positions), store)


def _write_params(root: Path) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["train"]["backbones"] = [WINNER, OTHER]
    params["evaluate"]["resamples"] = 100
    params["features"]["weights"][WINNER] = "/somewhere/on/a/machine/vgg16.weights.h5"
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def _write_model(root: Path, backbone: str, test: Split, validation: Split) -> None:
    bundle, reports = root / TRAINED / backbone, root / MODEL_REPORTS / backbone
    facts = {"backbone": backbone, "head": "flatten"}
    p_covid = Engine.load(tiny_bundle(bundle, SIDE, **facts)).predict(validation.pixels)
    threshold = float(np.median(p_covid))
    engine = Engine.load(tiny_bundle(bundle, SIDE, threshold=threshold, **facts))
    shutil.rmtree(bundle.with_name(bundle.name + ".trunk"))
    params = load_params(EvaluateParams, root / "params.yaml")
    write_predictions(validation, p_covid, reports / "validation.csv")
    found = evaluate_split(validation, p_covid, threshold, params)
    write_json(found.metrics, reports / "validation.json")
    write_json(found.groups, reports / "validation_groups.json")
    if backbone == WINNER:
        _write_sealed(root, test, engine.predict(test.pixels), threshold)
    history = [Epoch(i, 1 / i, 0.5, abs(i - 3) / 5 + 0.3, 0.6) for i in range(1, 6)]
    write_history(history, reports / "history.csv")
    write_json(_run(), reports / "run.json")
    write_json(audit_report(), reports / "audit.json")
    write_json(UNSEEN, reports / "unseen.json")


def _write_sealed(root: Path, test: Split, p_covid: np.ndarray, threshold: float) -> None:
    """What the stage `sealed` leaves of the registered version."""
    pair: SealedPair = {"bundle_sha256": REGISTERED.bundle_sha256, "test_set": "d" * 64}
    folder = root / folder_of(pair)
    found = evaluate_split(test, p_covid, threshold, load_params(EvaluateParams, root / "params.yaml"))
    write_json(found.metrics, folder / "metrics.json")
    write_json(found.groups, folder / "groups.json")
    write_predictions(test, p_covid, folder / "predictions.csv")
    write_json({"findings": [asdict(finding) for finding in SEALED_FINDINGS]}, folder / "audit.json")
    write_json({"frontal_refused": {"all": RATE}, "refused": {"ct": {**RATE, "named": 0.95}}}, folder / "gate.json")
    write_json({"dice": {**DICE, "mean": {**RATE, "value": 0.921}}, "why": ""}, folder / "lungs.json")
    write_facts(look_at(pair, REGISTERED.name, REGISTERED.number, "2026-02-01T10:00:00Z", "version 3"), folder)
    place = {**pair, "folder": folder.name, "looks": 2, "looks_ever": 5}
    write_json(place, root / SEALED / "registered.json")


def audit_report() -> dict[str, Any]:
    failures = flagged(FINDINGS, LIMITS)
    return {
        "asked": "validation",
        "shortcut_flagged": bool(failures),
        "reasons": [str(failure) for failure in failures],
        "failures": [asdict(failure) for failure in failures],
        "limits": asdict(LIMITS),
        "findings": [asdict(finding) for finding in FINDINGS],
    }


def _run() -> dict[str, Any]:
    spec = {"hashes": {"index": "1" * 64, "split": "2" * 64}}
    return {"run_id": REGISTERED.run_id, "spec": spec, "origin": {"mlflow.source.git.commit": "c" * 40}}


def _index_report(rows: list[ImageRow]) -> dict[str, Any]:
    rejected = {"covid_chestxray/not_xray": 84, "covid_chestxray/corrupt": 1}
    return {
        "images": len(rows),
        "patients": len({row.patient for row in rows}),
        "rejected": 85,
        "by_source_and_label": count_by(rows, "source", "label"),
        "rejected_by_source_and_reason": rejected,
    }
