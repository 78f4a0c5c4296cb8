"""Nothing stronger than the LGPL comes with `make install`: what its packages say of themselves, by the lock."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
INSTALLED_BY_DEFAULT = ("serve", "train")  # the extras of `make install`
STRONG = re.compile(r"(?<!L)(?<!Lesser )GPL|(?<!Lesser )General Public|SSPL|Server Side Public|Affero", re.IGNORECASE)
# Packages that say something stronger, or nothing, and why they may stay.
EXCEPTIONS = {
    "huey": "MIT, by the file LICENSE in its wheel; its metadata say nothing",
    "namex": "Apache-2.0, by the file LICENSE in its wheel; its metadata say nothing",
    "pygit2": "GPL-2.0 with an exception for programs that link with it, so weaker than the LGPL",
}


def needs(package: dict[str, Any], extras: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield from package.get("dependencies", [])
    for extra in extras:
        yield from package.get("optional-dependencies", {}).get(extra, [])


def default_install() -> set[str]:
    """Names of the packages, those for other platforms among them."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for package in LOCK:
        by_name.setdefault(package["name"], []).append(package)
    seen: set[tuple[str, tuple[str, ...]]] = set()
    left = [("covid-cxr", INSTALLED_BY_DEFAULT)]
    while left:
        name, extras = left.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for package in by_name[name]:
            left += [(need["name"], tuple(need.get("extra", ()))) for need in needs(package, extras)]
    return {name for name, _ in seen} - {"covid-cxr"}


def licences(name: str) -> list[str] | None:
    """Among which one may choose, as an installed package names them; None if it is not installed here."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    stated = said.get("License-Expression") or (said.get("License") or "").partition("\n")[0]
    classified = [text for text in said.get_all("Classifier", []) if text.startswith("License ::")]
    return re.split(r" OR | \| ", stated) if stated else classified


def test_the_default_install_is_what_the_lock_says() -> None:
    assert {"openvino", "numpy", "bentoml", "dvc", "mlflow", "tensorflow"} <= default_install()
    assert not {"pytest", "mypy"} & default_install()


def test_nothing_stronger_than_the_lgpl_is_installed_by_default() -> None:
    found = {name: licences(name) for name in default_install() - EXCEPTIONS.keys()}
    bad = {name: said for name, said in found.items() if said is not None and all(STRONG.search(text) for text in said)}
    assert bad == {}  # a package that says nothing is in there with an empty list


def test_every_exception_is_still_needed() -> None:
    assert EXCEPTIONS.keys() <= default_install()


def test_the_word_for_a_strong_licence_is_told_from_a_weak_one() -> None:
    strong = ("GPL-2.0-or-later", "AGPL-3.0-only", "GNU General Public License v2 (GPLv2)", "SSPL-1.0")
    weak = ("LGPL-3.0-only", "GNU Lesser General Public License v3 (LGPLv3)", "MPL-2.0", "EPL-2.0", "MIT")
    assert all(STRONG.search(text) for text in strong)
    assert not any(STRONG.search(text) for text in weak)
