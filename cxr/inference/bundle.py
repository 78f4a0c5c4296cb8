"""Making a bundle: the folder that `Engine.load` reads (see cxr/inference/engine.py), with its manifest."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import replace_when_complete, sha256_of, write_json
from cxr.inference import known_answers, manifest
from cxr.inference.engine import BUNDLE_FILES, INT8_FILES, PARTS, Engine
from cxr.inference.familiarity import FILE as FAMILIARITY_FILE
from cxr.inference.familiarity import Familiarity
from cxr.inference.head import Head
from cxr.inference.known_answers import KnownAnswers, known_pictures
from cxr.inference.model_facts import SEALED, ModelFacts, versioned
from cxr.inference.precision import Precision, available

CHECKS = (manifest.FILE, known_answers.FILE)  # what a bundle is checked by; not in every one


def write_bundle(
    directory: Path, trunk: Path, head: Head, facts: Mapping[str, Any], familiarity: Familiarity | None = None
) -> None:
    """Put a trunk's folder, a head and the facts together; the folder appears only when it is complete.

    trunk: the folder of an exported trunk, with its eight-bit twin or without. facts: without "version", which is
    added: a hash of all that decides the answers (trunks, head, temperature, threshold, familiarity), so that equal
    models are equal and others are not.
    """
    with replace_when_complete(directory) as unfinished:
        unfinished.mkdir()
        files = ["trunk.xml", "trunk.bin", *_present(trunk, INT8_FILES)]
        for name in files:
            link_or_copy(trunk / name, unfinished / name)
        head.save(unfinished / "head.npz")
        numbers = (head.kind, float(head.bias), facts.get("temperature"), facts.get("threshold"))
        trunks = "".join(sha256_of(trunk / name) for name in files if name.endswith(".bin"))
        contents = head.weights.tobytes() + str(numbers).encode() + trunks.encode()
        if familiarity is not None:
            familiarity.save(unfinished / FAMILIARITY_FILE)
            contents += sha256_of(unfinished / FAMILIARITY_FILE).encode()
        complete = {**facts, "version": hashlib.sha256(contents).hexdigest()[:12]}
        _write_facts(complete, unfinished)
        manifest.write_manifest(unfinished, _sealed(unfinished))


def complete_bundle(directory: Path, trained: Path, facts: Mapping[str, Any], parts: dict[str, Path]) -> None:
    """The bundle that is registered: what training made, with what later stages found out about it.

    facts: what model.json says besides, e.g. the audit's stamp. parts: files of PARTS by their names; the version
    covers them, since a gate decides answers too. Its answers to known pictures are recorded with it.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ValueError(f"a bundle has no part {unknown}; its parts are {list(PARTS)}")
    with replace_when_complete(directory) as unfinished:
        unfinished.mkdir()
        copy_bundle(trained, unfinished)
        for name, path in parts.items():
            link_or_copy(path, unfinished / name)
        complete = {**ModelFacts.read(trained / "model.json").document, **facts}
        hashes = [f"{name} {sha256_of(parts[name])}" for name in sorted(parts)]
        if hashes:
            contents = "\n".join([complete["version"], *hashes])
            complete["version"] = hashlib.sha256(contents.encode()).hexdigest()[:12]
        _write_facts(complete, unfinished)
        recorded_answers(trained).save(unfinished / known_answers.FILE)
        manifest.write_manifest(unfinished, _sealed(unfinished))


def recorded_answers(bundle: Path) -> KnownAnswers:
    """What a bundle says of the known pictures, in every precision that it and this machine have."""
    fixed: list[Precision] = ["f32"]
    if "bf16" in available():
        fixed.append("bf16")
    if (bundle / "int8.xml").is_file():
        fixed.append("int8")
    engines = {precision: Engine.load(bundle, precision=precision) for precision in fixed}
    pictures = known_pictures(engines["f32"].image_size)
    return KnownAnswers(pictures, {name: engine.log_odds(pictures).round(3) for name, engine in engines.items()})


def _sealed(directory: Path) -> list[str]:
    """The files that a manifest lists."""
    return _present(directory, (*BUNDLE_FILES, *INT8_FILES, *PARTS, known_answers.FILE))


def _write_facts(facts: Mapping[str, Any], directory: Path) -> None:
    """Raises ModelError where `Engine.load` would refuse them."""
    ModelFacts.of(facts, f"{directory.name}/model.json")
    write_json(versioned({**facts, SEALED: True}), directory / "model.json")


def copy_bundle(source: Path, target: Path) -> None:
    """Copy a bundle's files into the existing folder `target`. No part of another bundle stays there."""
    for name in (*INT8_FILES, *PARTS, *CHECKS):
        (target / name).unlink(missing_ok=True)
    for name in (*BUNDLE_FILES, *_present(source, (*INT8_FILES, *PARTS, *CHECKS))):
        link_or_copy(source / name, target / name)


def _present(folder: Path, names: Iterable[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file()]


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system can, since trunks are large and never written to again; else a copy."""
    target.unlink(missing_ok=True)  # it may be a link itself: writing into it would change another model's file
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
