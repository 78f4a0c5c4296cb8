"""The committed parameters, and files that differ from them in what a test needs."""

from pathlib import Path
from typing import Any

import yaml

from cxr.audit.settings import AuditParams
from cxr.data.settings import CopiesParams, PixelsParams, SplitParams
from cxr.evaluation.settings import EvaluateParams
from cxr.features.settings import FeaturesParams
from cxr.gate.settings import GateParams
from cxr.lungs.settings import LungsParams
from cxr.promotion.settings import RegisterParams
from cxr.sources.settings import DownloadParams
from cxr.training.settings import TrainParams
from cxr.unseen.settings import UnseenParams
from tools.workspace import merged

ROOT = Path(__file__).parents[2]
COMMITTED = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
RECIPES = sorted((ROOT / "params").glob("*.yaml"))
KINDS: dict[str, Any] = {
    "download": DownloadParams,
    "pixels": PixelsParams,
    "copies": CopiesParams,
    "split": SplitParams,
    "lungs": LungsParams,
    "gate": GateParams,
    "features": FeaturesParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
    "audit": AuditParams,
    "unseen": UnseenParams,
    "register": RegisterParams,
}


def written(folder: Path, change: dict[str, Any]) -> Path:
    """The committed params.yaml with `change` merged over it."""
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(merged(COMMITTED, change)), encoding="utf-8")
    return path
