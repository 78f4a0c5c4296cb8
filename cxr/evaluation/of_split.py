"""A model's answers about one split, measured: all images, and by group."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from cxr.data.dataset import Split
from cxr.evaluation.metrics import evaluate
from cxr.evaluation.report_types import GroupsReport, MetricsReport
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.subgroups import evaluate_groups


@dataclass(frozen=True)
class Evaluated:
    """metrics: on all images, with those that weigh by source. groups: by view, sex, age, source and finding."""

    metrics: MetricsReport
    groups: GroupsReport


def evaluate_split(split: Split, p_covid: np.ndarray, threshold: float, params: EvaluateParams) -> Evaluated:
    """p_covid: (n,) in [0, 1], calibrated, in the split's order. threshold: from which on an image is called COVID."""
    sources = [row.source for row in split.rows]
    metrics = evaluate(split.y, p_covid, list(split.patients), threshold, params, sources=sources)
    groups = evaluate_groups(split.rows, split.y, p_covid, threshold, params)
    return Evaluated(cast(MetricsReport, metrics), groups)
