"""Train one backbone's head on the cache, and its trunk's end if asked; calibrate both on the validation patients."""

import hashlib
import sys

from cxr.common.atomic_files import read_json, sha256_of
from cxr.common.config import load_params
from cxr.common.paths import FEATURE_CACHE, FEATURES, INDEX, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.predictions import write_predictions
from cxr.data.settings import SplitParams
from cxr.data.splits import SPLITS
from cxr.evaluation.curves import read_history, write_history
from cxr.evaluation.figures import head_layers, training_figures
from cxr.features.filling import filled_caches
from cxr.features.settings import FeaturesParams
from cxr.networks.registry import Backbone
from cxr.promotion.settings import RegisterParams
from cxr.tracking.spec import DataInput, RunSpec
from cxr.tracking.training_run import start_run
from cxr.training.pipeline import calibrated_bundle, fine_tuned, require_tunable, train_on_caches
from cxr.training.settings import TrainParams


def main(backbone: Backbone) -> str:
    params = load_params(TrainParams)
    features_params = load_params(FeaturesParams)
    require_tunable(backbone, params, features_params)
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    train = data.split("train")
    validation = data.split("validation")
    model = TRAINED / backbone
    features = FEATURES / backbone
    reports = MODEL_REPORTS / backbone
    with start_run(_run_spec(backbone, params, data), reports) as record:
        augmented, plain, _ = filled_caches(features, train, validation, features_params, FEATURE_CACHE)
        trained = train_on_caches(train, validation, (augmented, plain), params)
        facts = {
            "name": load_params(RegisterParams).model,
            "backbone": backbone,
            "side": augmented.spec.image_size,
            "split": data.split_fingerprint(load_params(SplitParams)),
            "shortcut_flagged": True,  # until the audit has cleared it
        }
        splits = (train, validation)
        with fine_tuned(backbone, features, trained, splits, params, features_params) as (trunk, trained):
            if trunk != features:
                facts["fine_tuned_blocks"] = params.fine_tune
            p_covid = calibrated_bundle(model, trunk, trained, splits, facts, params.sensitivity, FEATURE_CACHE)
        write_predictions(validation, p_covid, reports / "validation.csv")
        write_history(trained.history, reports / "history.csv")
        curves = read_history(reports / "history.csv")
        record.log_curves(curves)
        record.log_metrics({"best_epoch": trained.best_epoch}, "train")
        for name in ("history.csv", "validation.csv"):
            record.log_file(reports / name)
        layers = [*read_json(features / "layers.json"), *head_layers(params.head, augmented.shape)]
        record.log_figures(training_figures(backbone, curves, trained.best_epoch, layers))
    best = trained.history[trained.best_epoch - 1]
    return (
        f"{backbone}: {len(trained.history)} epochs on {len(train.rows)} images, "
        f"best {best.epoch} with validation loss {best.validation_loss:.3f}"
    )


def _run_spec(backbone: Backbone, params: TrainParams, data: Dataset) -> RunSpec:
    hashes = {"index": sha256_of(INDEX), "split": sha256_of(SPLIT)}
    sections = {"features": load_params(FeaturesParams), "train": params}
    return RunSpec(load_params(RegisterParams).experiment, backbone, sections, hashes, data_inputs(data))


def data_inputs(data: Dataset) -> list[DataInput]:
    """What each source brings to each split. The test patients' pictures are counted, and not looked at."""
    inputs = []
    for context in SPLITS:
        rows = [row for row in data.rows if data.split_of.get(row.path) == context]
        for source in sorted({row.source for row in rows}):
            own = [row for row in rows if row.source == source]
            lines = "".join(f"{row.sha256} {row.label} {row.path}\n" for row in own)
            digest = hashlib.sha256(lines.encode()).hexdigest()
            inputs.append(DataInput(source, context, source, digest, len(own), len({row.patient for row in own})))
    return inputs


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
