"""Making a bundle: the folder that `Engine.load` reads (see cxr/engine.py)."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from cxr.engine import BUNDLE_FILES, FACTS
from cxr.files import replace_when_complete, sha256_of, write_json
from cxr.head import Head


def write_bundle(directory: Path, trunk: Path, head: Head, facts: dict[str, Any]) -> None:
    """Put a trunk's folder, a head and the facts together; the folder appears only when it is complete.

    facts: without "version", which is added: a hash of all that decides the answers (trunk, head, temperature,
    threshold), so that equal models are equal and others are not.
    """
    with replace_when_complete(directory) as unfinished:
        unfinished.mkdir()
        for name in ("trunk.xml", "trunk.bin"):
            link_or_copy(trunk / name, unfinished / name)
        head.save(unfinished / "head.npz")
        numbers = (head.kind, float(head.bias), facts.get("temperature"), facts.get("threshold"))
        contents = head.weights.tobytes() + str(numbers).encode() + sha256_of(trunk / "trunk.bin").encode()
        complete = {**facts, "version": hashlib.sha256(contents).hexdigest()[:12]}
        missing = [key for key in FACTS if key not in complete]
        if missing:
            raise ValueError(f"facts lack {missing}")
        write_json(complete, unfinished / "model.json")


def copy_bundle(source: Path, target: Path) -> None:
    """Copy a bundle's files into the existing folder `target`."""
    for name in BUNDLE_FILES:
        link_or_copy(source / name, target / name)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system can, since trunks are large and never written to again; else a copy."""
    target.unlink(missing_ok=True)  # it may be a link itself: writing into it would change another model's file
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
