"""The documentation site: one navigation for all pages, links that lead somewhere, nothing from other hosts."""

import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from cxr.common.errors import CxrError
from tools import docs_reference, docs_site

CONFIG = tomllib.loads(docs_site.CONFIG.read_text(encoding="utf-8"))


def test_a_page_that_the_navigation_does_not_name_stops_the_build() -> None:
    one, two = PurePosixPath("docs/one.md"), PurePosixPath("docs/two.md")
    docs_site.require_all_named([one, two], [two, one])
    with pytest.raises(CxrError, match=r"docs/two.md: the navigation does not name them"):
        docs_site.require_all_named([one, two], [one])
    with pytest.raises(CxrError, match=r"docs/two.md: the navigation names them and they are missing"):
        docs_site.require_all_named([one], [one, two])
    with pytest.raises(CxrError, match=r"docs/one.md: the navigation names them twice"):
        docs_site.require_all_named([one], [one, one])


def test_the_site_asks_no_other_host_for_anything() -> None:
    assert CONFIG["project"]["theme"]["font"] is False
    assert "analytics" not in CONFIG["project"]["extra"]
    assert "plugins" not in CONFIG["project"]


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#gone">b</a><a href="c.html">c</a><img src=d.png>'
    )
    (tmp_path / "b.html").write_text(
        '<a href="a.html#top">a</a><a href="https://example.org">x</a><a href="folder/">f</a>'
    )
    (tmp_path / "folder").mkdir()
    assert docs_site.broken_links(tmp_path) == [
        "a.html: b.html#gone",
        "a.html: c.html",
        "a.html: d.png",
        "b.html: folder/",
    ]


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """From the pages and the made ones, as `make docs` does."""
    pytest.importorskip("zensical", reason="the extra docs is not installed")
    site = docs_site.build(docs_reference.pages(), tmp_path)
    names = [page.relative_to(site).as_posix() for page in site.rglob("*.html")]
    assert {"index.html", "CHANGELOG.html", "docs/reference/params.html", "docs/tutorials/first-answer.html"} <= set(
        names
    )
    text = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"?([^\"\s>]+)", text)
    assert loaded
    assert not [address for address in loaded if re.match(r"(https?:)?//", address)]
