"""Build the documentation site, site/: `make docs`. Needs the extra `docs`, and no network.

The pages lie in build/docs/ as in the repository, so that a link works there, here and on GitHub alike; the reference
pages are made from the code (tools/docs_reference.py). A broken link, a page that the navigation of zensical.toml does
not name, or one that it names and nobody has, stops the build.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from cxr.common.errors import CxrError
from cxr.common.stage_runner import run_stage

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "zensical.toml"
REFERENCE = PurePosixPath("docs/reference")  # of the pages that are made; no such folder is in git
# What a page is or may link to.
PATTERNS = ("*.md", "CITATION.cff", "LICENSE", "data/README.md", "clients/*/README.md", "docs/**/*")


def sources(root: Path = ROOT) -> list[PurePosixPath]:
    """Every file that the site takes from the repository, by its path there."""
    found = (path.relative_to(root) for pattern in PATTERNS for path in root.glob(pattern) if path.is_file())
    return sorted({PurePosixPath(path.as_posix()) for path in found})


def in_navigation(config: Mapping[str, Any]) -> list[PurePosixPath]:
    """The pages that zensical.toml names, in order."""
    return [PurePosixPath(page) for page in _leaves(config["project"]["nav"])]


def _leaves(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from _leaves(inner)


def require_all_named(pages: Sequence[PurePosixPath], named: Sequence[PurePosixPath]) -> None:
    """Raise CxrError where pages and navigation differ."""
    twice = {page for page in named if named.count(page) > 1}
    for faulty, what in (
        (set(pages) - set(named), "the navigation does not name them; add a line each"),
        (set(named) - set(pages), "the navigation names them and they are missing; mend or remove their lines"),
        (twice, "the navigation names them twice; keep one line each"),
    ):
        if faulty:
            raise CxrError(f"{CONFIG.name}: {', '.join(sorted(map(str, faulty)))}: {what}")


def stage(made: Mapping[str, str], root: Path) -> None:
    """Put what the site is made of into `root`: the configuration, and in build/docs/ the pages and what they show.

    made: the reference pages, file name to Markdown. Raises CxrError where the navigation does not fit.
    """
    taken = sources()
    pages = [path for path in taken if path.suffix == ".md"] + [REFERENCE / name for name in made]
    require_all_named(pages, in_navigation(tomllib.loads(CONFIG.read_text(encoding="utf-8"))))
    target = root / "build" / "docs"
    shutil.rmtree(target, ignore_errors=True)
    for path in taken:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target / path)
    (target / REFERENCE).mkdir()
    for name, text in made.items():
        (target / REFERENCE / name).write_text(text, encoding="utf-8")
    if root != ROOT:
        shutil.copy(CONFIG, root / CONFIG.name)


def build(made: Mapping[str, str], root: Path = ROOT) -> Path:
    """The folder of the built site, in `root`. Raises CxrError where a link leads nowhere."""
    stage(made, root)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        said, _, _ = f"{done.stdout}{done.stderr}".partition("Traceback")
        raise CxrError(f"zensical ended with {done.returncode}:\n{said}")
    broken = broken_links(root / "site")
    if broken:
        raise CxrError(f"links that lead nowhere: {', '.join(broken)}")
    return root / "site"


class _Page(HTMLParser):
    """links: of a page, as written. anchors: where links may lead within it."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [address for name in ("href", "src") if (address := found.get(name))]
        self.anchors.add(found.get("id") or "")


def broken_links(site: Path) -> list[str]:
    """Page and link, as "a.html: b.html#gone", of each link to a file or place that the site does not have."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    broken = [
        (path, link) for path, page in pages.items() for link in page.links if not _leads(site, path, link, pages)
    ]
    return [f"{path.relative_to(site).as_posix()}: {link}" for path, link in broken]


def _leads(site: Path, page: Path, link: str, pages: Mapping[Path, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:  # another host's affair
        return True
    way = unquote(parts.path)
    there = (
        Path(os.path.normpath(site / way.lstrip("/") if way.startswith("/") else page.parent / way)) if way else page
    )
    there = there / "index.html" if there.is_dir() else there
    return there.is_file() and (there not in pages or unquote(parts.fragment) in pages[there].anchors)


def main() -> str:
    from tools import docs_reference

    return f"open {build(docs_reference.pages()) / 'index.html'}"


if __name__ == "__main__":
    run_stage(main)
