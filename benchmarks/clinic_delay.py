"""How long after its C-STORE an X-ray's report stands in the archive: Orthanc, auto-routing, node and model on one
machine.

    python -m benchmarks.clinic_delay MODEL [--images 30] [--size 2048] [--out docs/results/clinic-delay.json]

One X-ray at a time: it is stored in the archive, and the archive is asked by DICOMweb until it has the report.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from tools.ask import free_port
from tools.clinic import Clinic, open_clinic, plan, send, series_of
from tools.clinic_phantoms import phantom
from tools.machine import machine

ROOT = Path(__file__).resolve().parents[1]
LOOKS_EVERY_S = 0.01
WITHIN_S = 60


def main() -> None:
    given = _arguments()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="cxr-clinic-") as folder:
        seconds = measure(given.model.resolve(), Path(folder), given.images, given.size)
    result = {
        "command": " ".join(["python -m benchmarks.clinic_delay", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "load_average_before": round(before, 2),
        "figures": figures(seconds),
    }
    text = json.dumps(result, indent=2) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text, end="")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--size", type=int, default=2048, help="pixels of a side")
    parser.add_argument("--out", type=Path, help="such as docs/results/clinic-delay.json")
    return parser.parse_args()


def measure(model: Path, folder: Path, images: int, size: int) -> list[float]:
    """Seconds of each X-ray. One more is sent before, so that everything has been used once."""
    pictures = [phantom(number, covid=number % 2 == 0, image_size=size) for number in range(images + 1)]
    with open_clinic(plan(folder, free_port()), folder, model) as clinic:
        return [_delay(clinic, picture) for picture in pictures][1:]


def _delay(clinic: Clinic, picture: Dataset) -> float:
    started = time.perf_counter()
    send(clinic.archive, [picture])
    while "SR" not in series_of(clinic.archive, str(picture.StudyInstanceUID)):
        if time.perf_counter() - started > WITHIN_S:
            sys.exit(f"clinic_delay: no report came; the node's log ends with {clinic.end_of_log()}")
        time.sleep(LOOKS_EVERY_S)
    return time.perf_counter() - started


def figures(seconds: list[float]) -> dict[str, Any]:
    """Of all X-rays, in seconds."""
    middle, late = np.quantile(seconds, [0.5, 0.95])
    return {
        "images": len(seconds),
        "median_s": round(float(middle), 3),
        "p95_s": round(float(late), 3),
        "longest_s": round(max(seconds), 3),
    }


if __name__ == "__main__":
    main()
