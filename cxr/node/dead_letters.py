"""The folder of what was given up: links to the files, by destination and pseudonym, for a person to look at."""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

FOLDER = "dead"


def bury(queue_folder: Path, destination: str, pseudonym: str, files: Sequence[str]) -> None:
    """files: below the queue's folder; those that are lost are left out. Once more does no harm."""
    place = queue_folder / FOLDER / destination / pseudonym
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in files:
        target = place / Path(file).name
        if not target.exists():
            with contextlib.suppress(FileNotFoundError):
                os.link(queue_folder / file, target)


def exhume(queue_folder: Path, destination: str) -> None:
    """Remove the links; the files themselves stay."""
    shutil.rmtree(queue_folder / FOLDER / destination, ignore_errors=True)
