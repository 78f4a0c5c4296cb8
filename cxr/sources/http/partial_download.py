"""The part of a file that was downloaded so far, and what is known of the whole file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cxr.common.atomic_files import remove


@dataclass(frozen=True)
class ServerFacts:
    """What the server said of the file. md5: Base64, as Google's storage writes it. total: bytes."""

    etag: str = ""
    md5: str = ""
    total: int | None = None


def facts_of(headers: Mapping[str, str]) -> ServerFacts:
    """Of an answer that carries the whole file."""
    length = headers.get("Content-Length", "")
    return ServerFacts(headers.get("ETag", ""), _md5(headers.get("x-goog-hash", "")), int(length) if length else None)


def _md5(value: str) -> str:
    """From "crc32c=…,md5=…", in any order."""
    named = dict(item.strip().split("=", 1) for item in value.split(",") if "=" in item)
    return named.get("md5", "")


class Part:
    """ "<target>.part" and "<target>.part.json"; one without the other is worth nothing and is deleted."""

    def __init__(self, target: Path):
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self._notes = target.with_name(target.name + ".part.json")
        self.facts = self._recall()

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def complete(self) -> bool:
        return self.facts.total is not None and self.size == self.facts.total

    def start(self, facts: ServerFacts) -> None:
        """Begin anew. The notes come before the first byte: a part without notes could not be trusted."""
        self.discard()
        self._note(facts)
        self.path.touch()

    def end(self) -> None:
        """The part is the whole file: the server said no length, and closed the connection in good order."""
        self._note(ServerFacts(self.facts.etag, self.facts.md5, self.size))

    def discard(self) -> None:
        remove(self.path)
        remove(self._notes)
        self.facts = ServerFacts()

    def finish(self) -> None:
        self.path.replace(self.target)
        remove(self._notes)

    def request_headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}  # otherwise lengths and ranges would be of something packed
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self.facts.etag and not self.facts.etag.startswith("W/"):
                headers["If-Range"] = self.facts.etag
        return headers

    def continues(self, headers: Mapping[str, str]) -> bool:
        """Whether a partial answer starts where this part ends, and is of the same file."""
        same_file = headers.get("ETag", self.facts.etag) == self.facts.etag
        unit, _, extent = headers.get("Content-Range", "").partition(" ")
        span, _, total = extent.partition("/")
        if unit != "bytes" or span.partition("-")[0] != str(self.size) or not same_file:
            return False
        if self.facts.total is None and total.isdigit():
            self._note(ServerFacts(self.facts.etag, self.facts.md5, int(total)))
        return total in ("*", str(self.facts.total))

    def _note(self, facts: ServerFacts) -> None:
        self.facts = facts
        self._notes.write_text(json.dumps(asdict(facts)), encoding="utf-8")

    def _recall(self) -> ServerFacts:
        try:
            if self.path.exists():
                return ServerFacts(**json.loads(self._notes.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            pass  # killed in the middle of a note: what the part belongs to is not known
        remove(self.path)
        remove(self._notes)
        return ServerFacts()
