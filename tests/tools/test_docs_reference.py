"""The reference pages are made from the code, and leave nothing out."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import cxr
from cxr.common.config import SECTIONS
from cxr.evaluation.metric_catalogue import METRICS
from serving.metrics import Metrics
from serving.routes import ROUTES
from tools import docs_commands, docs_params, docs_reference

PARAMS = yaml.safe_load((docs_params.ROOT / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return docs_reference.pages()


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The ways to the values below a section of params.yaml."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    else:
        yield path.removeprefix(".")


def section(page: str, name: str) -> str:
    return page.split(f"\n## {name}\n")[1].split("\n## ", maxsplit=1)[0]


def test_every_section_has_its_settings_class() -> None:
    assert [kind.section for kind in docs_params.SETTINGS] == list(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_of_params_yaml_is_told(pages: dict[str, str], name: str) -> None:
    told = set(re.findall(r"^\| `([^`]+)` \|", section(pages["params.md"], name), re.MULTILINE))
    for path in leaves(PARAMS[name]):
        own_name = re.sub(r"^(\w+)\.\w+", r"\1.<name>", path)
        of_a_source = path.rpartition(".")[2] if name == "download" else path
        assert {path, own_name, of_a_source} & told, path


def test_a_key_has_its_range_its_meaning_and_its_value(pages: dict[str, str]) -> None:
    line = next(line for line in pages["params.md"].splitlines() if line.startswith("| `sensitivity`"))
    assert "| number, 0.5 to 1 | the operating threshold is" in line
    assert line.endswith(f"| `{PARAMS['train']['sensitivity']}` |")


def test_every_command_is_told_with_its_help(pages: dict[str, str]) -> None:
    titles = re.findall(r"^## (cxr.*)$", pages["command-line.md"], re.MULTILINE)
    commands = {"predict", "completion", *docs_commands.commands()}
    assert {"cxr", "cxr workspace repair", "cxr site commission", *(f"cxr {name}" for name in commands)} <= set(titles)
    for title in titles:
        assert section(pages["command-line.md"], title).lstrip().startswith("```text\nusage: cxr"), title
    assert "cxr node run" not in titles  # a word of `cxr node`, with no help of its own


def test_every_route_and_field_is_told(pages: dict[str, str]) -> None:
    page = pages["http.md"]
    assert [f"{route.method} {route.path}" for route in ROUTES] == re.findall(
        r"^## ((?:GET|POST) .*)$", page, re.MULTILINE
    )
    assert "`503`" in section(page, "POST /predict")
    assert "| `percentage` | number or null, 0 to 100 | always |" in section(page, "Answer")


def test_every_public_name_is_told_with_what_it_does(pages: dict[str, str]) -> None:
    for name in cxr.__all__:
        assert section(pages["python.md"], f"`cxr.{name}`").strip()
    assert (
        "Model.predict(\n    picture: str | Path | bytes | np.ndarray | Image,\n    *, explain: bool = False,\n)"
        in pages["python.md"]
    )


def test_every_series_and_figure_is_told(pages: dict[str, str]) -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", pages["metrics.md"], re.MULTILINE))
    shown = re.findall(r"^# TYPE (\w+) ", Metrics()._text().decode(), re.MULTILINE)
    assert {name for name in shown if not name.endswith("_created")} | METRICS.keys() <= told
    assert "cxr_node_queue_depth" in told
