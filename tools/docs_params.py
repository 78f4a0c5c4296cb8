"""The reference page of params.yaml, from the settings classes."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from cxr.audit.settings import AuditParams
from cxr.common.config import SECTIONS
from cxr.data.settings import CopiesParams, PixelsParams, SplitParams
from cxr.evaluation.settings import EvaluateParams
from cxr.features.settings import FeaturesParams
from cxr.gate.settings import GateParams
from cxr.lungs.settings import LungsParams
from cxr.promotion.settings import RegisterParams
from cxr.sources.settings import DownloadParams
from cxr.training.settings import TrainParams
from cxr.unseen.settings import UnseenParams
from tools.docs_tables import Schema, fields, opening, reference_name, table

ROOT = Path(__file__).resolve().parent.parent
SETTINGS: tuple[type, ...] = (
    DownloadParams,
    PixelsParams,
    CopiesParams,
    SplitParams,
    LungsParams,
    GateParams,
    FeaturesParams,
    TrainParams,
    EvaluateParams,
    AuditParams,
    UnseenParams,
    RegisterParams,
)


def params_page() -> str:
    """Every key of params.yaml, with its type, its range, what it is, and its value in the recommended recipe."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    by_section = {kind.section: kind for kind in SETTINGS}  # type: ignore[attr-defined]  # each has it
    parts = [_section(name, by_section[name], values[name]) for name in SECTIONS]
    head = (
        "# params.yaml\n\nEvery key is required, and an unknown key is an error. `<name>` stands for a name of your "
        "own. The last column has the value of the recommended recipe, of which [the recipe](../recipe.md) tells.\n\n"
    )
    return head + "\n".join(parts) + f"\n## The file, with its comments\n\n```yaml\n{text}```\n"


def _section(name: str, kind: type, values: Any) -> str:
    adapter: TypeAdapter[Any] = kind.adapter() if hasattr(kind, "adapter") else TypeAdapter(kind)
    schema = adapter.json_schema()
    definitions = schema.get("$defs", {})
    rows = [(f"`{path}`", of, what, _value(values, path)) for path, of, what in fields(schema, definitions)]
    text = f"## {name}\n\n{_opening(schema)}" + table(("key", "value", "what it sets", "recommended"), rows)
    return text + "".join(_kind(definitions[title], definitions) for title in _kinds(schema))


def _opening(schema: Schema) -> str:
    said = opening(schema)
    return f"{said}\n\n" if said else ""


def _value(values: Any, path: str) -> str:
    for step in path.split("."):
        values = values.get(step) if isinstance(values, dict) else None
    return "" if values is None or isinstance(values, dict) else f"`{json.dumps(values)}`"


def _kinds(schema: Schema) -> list[str]:
    """The classes between which a key `kind` chooses, as a section has them by names of one's own."""
    below = [one.get("additionalProperties") for one in schema["properties"].values()]
    unions = [one["oneOf"] for one in below if isinstance(one, dict) and "oneOf" in one]
    return list(dict.fromkeys(reference_name(one) for union in unions for one in union))


def _kind(schema: Schema, definitions: Schema) -> str:
    rows = [(f"`{path}`", of, what) for path, of, what in fields(schema, definitions)]
    title = schema["properties"]["kind"]["const"]
    return f"\n### kind: {title}\n\n{_opening(schema)}" + table(("key", "value", "what it sets"), rows)
