"""The reference pages of the documentation site, made from the code when the site is built. None is kept in git.

params.yaml from the settings classes, the command line from `--help`, HTTP from the service's OpenAPI, Python from
docstrings, the metrics from where they are made.
"""

import contextlib
import inspect
import io
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

import cxr
from cxr.audit.settings import AuditParams
from cxr.cli import program
from cxr.common.config import SECTIONS
from cxr.data.settings import CopiesParams, PixelsParams, SplitParams
from cxr.evaluation import metric_catalogue
from cxr.evaluation.settings import EvaluateParams
from cxr.features.settings import FeaturesParams
from cxr.gate.settings import GateParams
from cxr.lungs.settings import LungsParams
from cxr.node.metrics import NodeMetrics
from cxr.node.queue import Queue
from cxr.promotion.settings import RegisterParams
from cxr.sources.settings import DownloadParams
from cxr.training.settings import TrainParams
from cxr.unseen.settings import UnseenParams
from serving.metrics import Metrics
from serving.openapi import openapi
from serving.routes import ROUTES
from serving.routing import Route
from serving.settings import Settings
from tools.docs_tables import Schema, fields, kind_of, opening, reference_name, resolved, table

ROOT = Path(__file__).resolve().parent.parent
WIDTH = "88"  # columns of the help texts: what the pages have room for
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
Command = Callable[[list[str]], Any]


def pages() -> dict[str, str]:
    """Every reference page: file name to Markdown."""
    return {
        "params.md": params_page(),
        "command-line.md": command_line_page(),
        "http.md": http_page(),
        "python.md": python_page(),
        "metrics.md": metrics_page(),
    }


# params.yaml


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


# The command line


def commands() -> dict[str, Command]:
    """Every command of `cxr` that pyproject.toml adds, by its name: what runs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {name: _loaded(place) for name, place in project["entry-points"]["cxr.commands"].items()}


def _loaded(place: str) -> Command:
    module, _, name = place.partition(":")
    command: Command = getattr(import_module(module), name)
    return command


def command_line_page() -> str:
    """The help of `cxr` and of every command and subcommand, as it prints it."""
    added = commands()
    whole = program.parser(sorted(added))
    texts = {"cxr": help_of(whole.parse_args, [])}
    for name in _words(texts["cxr"]):
        run, before = (added[name], []) if name in added else (whole.parse_args, [name])
        texts[f"cxr {name}"] = text = help_of(run, before)
        for word in _words(text):
            texts.setdefault(f"cxr {name} {word}", help_of(run, [*before, word]))
    kept = {title: text for title, text in texts.items() if text != texts.get(title.rpartition(" ")[0])}
    head = "# The command line\n\nWhat `--help` prints. A command that needs an extra or a checkout says so.\n"
    return head + "".join(f"\n## {title}\n\n```text\n{text}```\n" for title, text in kept.items())


def help_of(command: Command, words: list[str]) -> str:
    """What the command prints with --help after these words."""
    out = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            command([*words, "--help"])
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return out.getvalue()


def _words(text: str) -> list[str]:
    """The subcommands that a help text lists, or the words of its first argument."""
    among = re.search(r"^  \{([\w,]+)\}", text, re.MULTILINE)
    listed = re.search(r"^  [A-Z]+\n((?:    .*\n)+)", text, re.MULTILINE)
    if listed:
        return re.findall(r"^    (\w+)", listed[1], re.MULTILINE)
    return among[1].split(",") if among else []


# HTTP


def http_page() -> str:
    """Every route: what it takes and answers, by which statuses; then the fields of the answer and of an error."""
    document = openapi(Settings())
    shapes = document["components"]["schemas"]
    head = (
        "# HTTP\n\nThe routes of the service, from its own description, OpenAPI "
        f"{document['openapi']} at `/docs.json`. [Serving](../serving.md) says how to run it and which key it wants.\n"
    )
    routes = "".join(_route(route, document["paths"].get(route.path, {}), shapes) for route in ROUTES)
    fields_of = (f"\n## {name}\n\n{_fields(shape, shapes)}" for name, shape in shapes.items())
    return head + routes + "".join(fields_of)


def _route(route: Route, described: Mapping[str, Any], shapes: Schema) -> str:
    title = f"\n## {route.method} {route.path}\n\n"
    if not described:
        return f"{title}Answers {route.answer}.\n"
    operation = described[route.method.lower()]
    said = [f"{title}{operation['summary']}\n"]
    query = [(f"`{one['name']}`", kind_of(one["schema"], shapes)) for one in operation.get("parameters", ())]
    if query:
        said.append(table(("in the address", "value"), query))
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        shape = resolved(body["schema"], shapes)
        said.append(
            f"Takes `{media}`" + (f":\n\n{_fields(shape, shapes)}" if "properties" in shape else ": the file.\n")
        )
    said.append(table(("status", "meaning", "body"), _statuses(operation["responses"])))
    return "\n".join(said)


def _statuses(responses: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for status, response in responses.items():
        bodies = (f"`{media}`{_shape(body['schema'])}" for media, body in response.get("content", {}).items())
        yield f"`{status}`", response["description"], ", ".join(bodies)


def _shape(schema: Schema) -> str:
    name = reference_name(schema) if "$ref" in schema else ""
    return f" [{name}](#{name.lower()})" if name else ""


def _fields(shape: Schema, shapes: Schema) -> str:
    always = shape.get("required", ())
    rows = [
        (f"`{path}`", of, "always" if path.partition(".")[0] in always else "", what)
        for path, of, what in fields(shape, shapes)
    ]
    return table(("field", "value", "there", "meaning"), rows)


# Python


def python_page() -> str:
    """The public names of `cxr`, with their signatures and docstrings."""
    parts = [f"# Python\n\n{_prose(cxr)}"]
    for name in sorted(cxr.__all__, key=str.swapcase):
        thing = getattr(cxr, name)
        parts.append(_thing(f"cxr.{name}", thing) if callable(thing) else f"## `cxr.{name}`\n\nThe version, as text.\n")
    return "\n".join(parts)


def _thing(name: str, thing: Any) -> str:
    parts = [f"## `{name}`\n", _signature(name, thing), _prose(thing)]
    for member, what in vars(thing).items() if inspect.isclass(thing) else ():
        if not member.startswith("_") and (callable(what) or isinstance(what, property)):
            shown = f"{name}.{member}"
            parts += [f"### `{shown.removeprefix('cxr.')}`\n", _signature(shown, what), _prose(what)]
    return "\n".join(part for part in parts if part)


def _signature(name: str, thing: Any) -> str:
    """Of a function, a parameter a line, with types by their last name: nobody needs to make a class by hand."""
    if not inspect.isfunction(thing):
        return ""
    signature = inspect.signature(thing)
    taken = [one for one in signature.parameters.values() if one.name != "self"]
    inside = "".join(f"\n    {'*, ' * _first_by_name(taken, one)}{one}," for one in taken) + "\n" * bool(taken)
    result = inspect.formatannotation(signature.return_annotation)
    text = re.sub(r"'([^']+ \| [^']+)'", r"\1", f"{name}({inside}) -> {result}")
    return f"```python\n{re.sub(r'[a-z_.]+[.](?=[A-Z])', '', text)}\n```\n"


def _first_by_name(taken: Sequence[inspect.Parameter], one: inspect.Parameter) -> bool:
    """Whether from this one on parameters are given by name."""
    return one is next((each for each in taken if each.kind is each.KEYWORD_ONLY), None)


def _prose(thing: Any) -> str:
    return f"{inspect.getdoc(thing) or ''}\n"


# Metrics


def metrics_page() -> str:
    """The series of the service and of the node at /metrics, and the figures of metrics.json."""
    figures = [(f"`{one.name}`", one.label, one.meaning) for one in metric_catalogue.in_tables()]
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Queue(Path(folder))) as queue:
        node = list(_series(NodeMetrics(queue, (), ())))
    return (
        "# Metrics\n\nThe names that Prometheus, metrics.json and MLflow have.\n"
        f"\n## Of the service\n\nAt `/metrics` ([serving](../serving.md#metrics)).\n\n{_table(_series(Metrics()))}"
        f"\n## Of the DICOM node\n\nAt its own `/metrics` ([the node](../node.md)).\n\n{_table(node)}"
        "\n## Of a model\n\nIn metrics.json, and in MLflow by the names in [tracking](../tracking.md).\n\n"
        + table(("name", "in reports", "meaning"), figures)
    )


def _table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    return table(("series", "type", "labels", "meaning"), rows)


def _series(metrics: Metrics | NodeMetrics) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, labels and meaning of each, also of those that have counted nothing yet."""
    for collector in metrics._registry._collector_to_names:  # the public `collect` knows no labels without samples
        (family,) = collector.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"`{name}`", family.type, ", ".join(collector._labelnames), family.documentation
