"""The page at /api that shows the OpenAPI document: BentoML's, without what it loads from other hosts.

BentoML packs the files of Swagger UI; its own page beside them carries a tag manager.
"""

from importlib.util import find_spec
from pathlib import Path

SCRIPTS = ("swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-initializer.js")
STYLES = ("swagger-ui.css", "index.css")
FOLDER = "static_content"  # the initializer asks for ./docs.json
# Swagger UI sets styles at elements; nothing is loaded from elsewhere, and nothing inline runs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def api_page_files() -> dict[str, tuple[bytes, str, str]]:
    """Path to content, ending and Content-Security-Policy."""
    spec = find_spec("bentoml._internal.server")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / FOLDER
    files = {
        f"/{FOLDER}/{name}": ((folder / name).read_bytes(), Path(name).suffix, POLICY) for name in SCRIPTS + STYLES
    }
    return {"/api": (_page().encode(), ".html", POLICY)} | files


def _page() -> str:
    styles = "".join(f'<link rel="stylesheet" href="./{FOLDER}/{name}">' for name in STYLES)
    scripts = "".join(f'<script src="./{FOLDER}/{name}"></script>' for name in SCRIPTS)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>covid-cxr: the API</title>'
        f'<link rel="icon" href="data:,">{styles}</head>\n<body><div id="swagger-ui"></div>{scripts}</body></html>\n'
    )
