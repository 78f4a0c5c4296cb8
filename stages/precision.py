"""Hold one backbone's model in bf16 and in eight-bit integers against float32, on the validation patients.

What holds is what the service and the command line may answer in on a machine that is faster so.
"""

import sys

from cxr.common.paths import INDEX, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.predictions import read_probabilities
from cxr.evaluation.precision_check import compare_precisions
from cxr.networks.registry import Backbone
from cxr.tracking.publishing import recorded


def main(backbone: Backbone) -> str:
    reports = MODEL_REPORTS / backbone
    validation = Dataset.read(INDEX, SPLIT, PIXELS).split("validation")
    p_f32 = read_probabilities(reports / "validation.csv", validation)
    measured = compare_precisions(TRAINED / backbone, validation, p_f32)
    write_report(measured, reports / "precision.json")
    with recorded(reports, "precision") as record:
        record.log_file(reports / "precision.json")
    found = [
        f"{name} {'holds' if entry['holds'] else 'does not hold'} at {entry['times_f32']} times float32's speed"
        for name, entry in measured.items()
    ]
    return f"{backbone}: {', '.join(found) or 'this machine has nothing faster than float32'}"


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
