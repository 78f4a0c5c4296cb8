"""Which of our packages each stage imports, and dvc.yaml's `deps` brought in line: `make deps`.

A stage must run again when code that it uses changes, and need not when other code does. It depends on whole packages:
a stage that reruns because a neighbour's line changed stays cheap, since what is costly is kept by content. Imports
inside functions count; those for type checkers alone do not.
"""

import argparse
import sys
from pathlib import Path

import grimp
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
ROOT_PACKAGES = ("cxr", "serving", "stages")


def import_graph(root: Path) -> grimp.ImportGraph:
    """Of the packages under `root`, read from their files: none is imported, nor may one have been before."""
    sys.path.insert(0, str(root))
    try:
        present = [name for name in ROOT_PACKAGES if (root / name).is_dir()]
        return grimp.build_graph(*present, exclude_type_checking_imports=True, cache_dir=None)
    finally:
        sys.path.remove(str(root))


def code_of(stage: str, graph: grimp.ImportGraph) -> list[str]:
    """Paths of stages/<stage>.py and of every package that it imports at any depth, sorted."""
    imported = graph.find_upstream_modules(f"stages.{stage}")
    return sorted({_place(module) for module in imported} - {""} | {f"stages/{stage}.py"})


def _place(module: str) -> str:
    """What DVC is told of a module: the package of the library that it lies in, or the service as a whole."""
    top, *below = module.split(".")
    if top == "cxr":
        return f"cxr/{below[0]}" if below else ""
    return top if top == "serving" else ""


def is_code(dependency: str) -> bool:
    return dependency.split("/", maxsplit=1)[0] in ROOT_PACKAGES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where dvc.yaml is out of line")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    arguments = parser.parse_args()
    yaml = YAML()
    yaml.width = 120
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    file = arguments.root / "dvc.yaml"
    pipeline = yaml.load(file)
    graph = import_graph(arguments.root)
    stale = []
    for stage, entry in pipeline["stages"].items():
        wanted = code_of(stage, graph) + [dep for dep in entry["deps"] if not is_code(dep)]
        if list(entry["deps"]) != wanted:
            stale.append(stage)
            entry["deps"][:] = wanted
    if stale and arguments.check:
        sys.exit(f"dvc.yaml: deps of {', '.join(stale)} are not what the stages import; run `make deps`")
    if stale:
        yaml.dump(pipeline, file)


if __name__ == "__main__":
    main()
