"""The manifest of a folder of model files: what each file's bytes must be, checked before a number is computed.

It protects against rot and broken copies. Who can change a file can change the manifest beside it too.
"""

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import read_json, sha256_of, write_json
from cxr.common.errors import CxrError, ModelError
from cxr.common.schema import KEY, require_known_schema

FILE = "manifest.json"
SCHEMA_VERSION = 1
_MADE_BY = ("numpy", "openvino")


def write_manifest(directory: Path, names: Iterable[str]) -> None:
    """Write `directory`/manifest.json for the named files. It holds no time: equal files have equal manifests."""
    files = {
        name: {"sha256": sha256_of(directory / name), "bytes": (directory / name).stat().st_size} for name in names
    }
    versions = {"python": platform.python_version()} | {package: version(package) for package in _MADE_BY}
    document = {KEY: SCHEMA_VERSION, "files": files, "versions": versions}
    write_json({**document, "sha256": _hash_of(document)}, directory / FILE)


def check_files(directory: Path) -> frozenset[str] | None:
    """The names of the manifest's files, each of them there and unchanged; None where the folder has no manifest.

    Raises ModelError that names the first file that is missing or damaged.
    """
    path = directory / FILE
    if not path.is_file():
        return None
    files = _files_of(read_document(path), path)
    for name, entry in files.items():
        _check(directory / name, entry)
    return frozenset(files)


def digest_of(directory: Path) -> str:
    """The SHA-256 of the manifest, and so of all files that it lists; "" where the folder has none.

    It is only read here: `check_files` holds the files to it."""
    path = directory / FILE
    return str(read_document(path).get("sha256", "")) if path.is_file() else ""


def read_document(path: Path) -> Any:
    """The JSON of a bundle's file. Raises ModelError on whatever its bytes may be."""
    try:
        return read_json(path)
    except CxrError as fault:
        raise ModelError(str(fault)) from None
    except (OSError, ValueError, RecursionError) as fault:  # e.g. a number of 5,000 digits, a list 100,000 deep
        raise ModelError(f"{path} cannot be read ({fault}); register the model again") from None


def _files_of(document: Any, path: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(document, dict) or not isinstance(document.get("files"), dict):
        raise ModelError(f"{path} is not a manifest; register the model again")
    require_known_schema(document, SCHEMA_VERSION, str(path), ModelError)
    rest = {key: value for key, value in document.items() if key != "sha256"}
    if document.get("sha256") != _hash_of(rest) or path.read_bytes() != _text(document):
        raise ModelError(f"{path} is damaged: its own SHA-256 is another; register the model again")
    files: dict[str, dict[str, Any]] = document["files"]
    for name, entry in files.items():
        if Path(name).name != name or not isinstance(entry, dict) or entry.keys() != {"sha256", "bytes"}:
            raise ModelError(f"{path} has a damaged entry for {name!r}; register the model again")
    return files


def _text(document: dict[str, Any]) -> bytes:
    """As `write_json` writes it."""
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _hash_of(document: dict[str, Any]) -> str:
    return hashlib.sha256(_text(document)).hexdigest()


def _check(path: Path, entry: dict[str, Any]) -> None:
    try:
        size = path.stat().st_size
        said = "its size" if size != entry["bytes"] else "its SHA-256" if sha256_of(path) != entry["sha256"] else ""
    except OSError as fault:
        raise ModelError(
            f"{path} cannot be read ({fault.strerror}), but {FILE} lists it; try again, or register the model again"
        ) from None
    if said:
        raise ModelError(f"{path} is damaged: {said} is not what {FILE} says; register the model again")
