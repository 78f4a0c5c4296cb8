"""Train the lung segmenter on the masks that the sources bring, and measure it on the validation patients' masks."""

from typing import cast

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import INDEX, LUNG_MASKS, LUNGS, PIXELS, RAW, REPORTS, SPLIT
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.manifest import LungMask, read_rows
from cxr.data.settings import SplitParams
from cxr.evaluation.report_types import LungsReport
from cxr.evaluation.settings import EvaluateParams
from cxr.lungs.settings import LungsParams
from cxr.lungs.train import find_masks, train_and_measure


def main() -> str:
    params = load_params(LungsParams)
    bootstrap = load_params(EvaluateParams)
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    found = find_masks(data, read_rows(LungMask, LUNG_MASKS), RAW, load_params(SplitParams))
    report = cast(LungsReport, train_and_measure(data, found, params, bootstrap, LUNGS))
    write_report(report, REPORTS / "lungs.json")
    write_json(headline(report), REPORTS / "lungs_headline.json")
    if not report["trained"]:
        return f"no segmenter: {report['why']}"
    dice = report["dice"]["validation"]["mean"]
    return (
        f"best epoch {report['best_epoch']} of {report['epochs']}; Dice {dice['value']:.3f} "
        f"({dice['low']:.3f} to {dice['high']:.3f}) on {dice['images']} masks of {dice['patients']} validation patients"
    )


def headline(report: LungsReport) -> dict[str, float | None]:
    """The few numbers that fit a line of `dvc metrics show`: of the validation patients' masks."""
    dice = report["dice"]["validation"]["mean"] if report["trained"] else dict.fromkeys(("value", "low", "high"))
    return {"dice": dice["value"], "dice_low": dice["low"], "dice_high": dice["high"]}


if __name__ == "__main__":
    run_stage(main)
