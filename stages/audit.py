"""Look for the shortcuts of one backbone's model: what it answers without lungs, within a source, for other sources.

Every backbone is audited, not the winner alone: the stamp must be there before a winner is registered, and which
backbone leans less on shortcuts is worth knowing before one is chosen.
"""

import sys

from cxr.audit_data import audited_pictures, feature_examples, standin
from cxr.audit_params import AuditParams
from cxr.curves import read_history
from cxr.dataset import Dataset
from cxr.engine import Engine
from cxr.feature_audit import cross_fitted, leave_one_source_out, source_probe
from cxr.files import write_json
from cxr.layout import INDEX, LUNGS, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.manifest import write_rows
from cxr.parallel import bar
from cxr.params import Backbone, EvaluateParams, TrainParams, load_params
from cxr.probes import gram
from cxr.shortcuts import Finding, audit_answers
from cxr.stage import run_stage
from cxr.tracking.runs import resume_run
from cxr.verdict import verdict


def main(backbone: Backbone) -> str:
    params, intervals = load_params(AuditParams, "audit"), load_params(EvaluateParams, "evaluate")
    recipe, reports = load_params(TrainParams, "train"), MODEL_REPORTS / backbone
    data = Dataset.read(INDEX, SPLIT, PIXELS)
