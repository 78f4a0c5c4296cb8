"""The web client's files, read into memory at the start. No other file can be served."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
POLICY_FILE = "csp.txt"
STRICTEST_POLICY = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class File:
    content: bytes
    headers: Mapping[str, str]


class Pages:
    """The ASGI application for paths without a route: it answers with a file of the page, with 404 or with 405."""

    def __init__(self, folder: Path, also: Mapping[str, tuple[bytes, str, str]] | None = None):
        """Without the folder, the service has no page. also: further paths, each to content, ending and policy."""
        policy = read_policy(folder)
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": _file(path.read_bytes(), path.suffix, policy)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in MEDIA_TYPES
        }
        self._files |= {path: _file(*file) for path, file in (also or {}).items()}
        if "/index.html" in self._files:
            self._files["/"] = self._files["/index.html"]

    def __contains__(self, path: object) -> bool:
        return path in self._files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self._files.get(scope["path"])
        if scope["type"] != "http" or file is None:
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        known = Request(scope).headers.get("if-none-match", "")
        fresh = file.headers["ETag"] in (tag.strip() for tag in known.split(","))
        response = Response(status_code=304) if fresh else Response(file.content)
        response.headers.update(file.headers)
        await response(scope, receive, send)


def _file(content: bytes, suffix: str, policy: str) -> File:
    return File(
        content,
        {
            "Content-Type": MEDIA_TYPES[suffix],
            "Content-Security-Policy": policy,
            "Cache-Control": "no-cache",  # asked for each time, sent only when changed: an upgrade shows at once
            "ETag": f'"{hashlib.sha256(content).hexdigest()[:20]}"',
        },
    )


def read_policy(folder: Path) -> str:
    """The Content-Security-Policy of the page; the strictest one without the file."""
    try:
        return " ".join((folder / POLICY_FILE).read_text(encoding="utf-8").split())
    except FileNotFoundError:
        return STRICTEST_POLICY
