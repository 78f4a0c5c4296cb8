"""Which of our modules each stage imports, and dvc.yaml's `deps` brought in line: `make deps`.

A stage must run again when code that it uses changes, and must not when other code does. Imports inside
functions count; those for type checkers alone do not.
"""

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cxr", "serving", "stages")


def modules_of(stage: str, root: Path = ROOT) -> list[str]:
    """Paths, relative to the root, of stages/<stage>.py and everything of ours that it imports, sorted."""
    found: set[Path] = set()
    waiting = [root / "stages" / f"{stage}.py"]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(imported_files(file, root))
    # An empty package file changes nothing that a stage does.
    return sorted(file.relative_to(root).as_posix() for file in found if _has_code(file))


def imported_files(file: Path, root: Path = ROOT) -> Iterator[Path]:
    """Files of ours that `file` imports, the packages that contain them included."""
    package = file.relative_to(root).parent.parts
    for name in _imported_names(ast.parse(file.read_text(encoding="utf-8")), package):
        parts = name.split(".")
        if parts[0] in PACKAGES:
            for length in range(1, len(parts) + 1):
                yield from _file_of(root.joinpath(*parts[:length]))


def _imported_names(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            start = [*above, *([node.module] if node.module else [])]
            # `from package import name`: the name may be a module or something in the package.
            yield from (".".join([*start, alias.name]) for alias in node.names)
        else:
            yield from _imported_names(node, package)


def _file_of(path: Path) -> Iterator[Path]:
    yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())


def _has_code(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


def stage_names(pipeline: dict) -> list[str]:
    return list(pipeline["stages"])


def is_code(dependency: str) -> bool:
    return dependency.endswith(".py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where dvc.yaml is out of line")
    check = parser.parse_args().check
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 120, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    file = ROOT / "dvc.yaml"
    pipeline = yaml.load(file)
    stale = []
    for stage in stage_names(pipeline):
        deps = pipeline["stages"][stage]["deps"]
        wanted = modules_of(stage, ROOT) + [dep for dep in deps if not is_code(dep)]
        if list(deps) != wanted:
            stale.append(stage)
            deps[:] = wanted
    if stale and check:
        sys.exit(f"dvc.yaml: deps of {', '.join(stale)} are not what the stages import; run `make deps`")
    if stale:
        yaml.dump(pipeline, file)


if __name__ == "__main__":
    main()
