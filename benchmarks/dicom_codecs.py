"""Which library decodes the DICOM codings that Pillow does not: speed and memory of each, and what the pool adds.

    python -m benchmarks.dicom_codecs --out docs/results/dicom-codecs.json

Candidates that are not installed are left out and named. The frame is made here: 2000 x 2500 of 12 bits, with noise.
"""

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cxr.imaging.decoder_pool import DecoderPool

ROWS, COLUMNS, ROUNDS = 2500, 2000, 9
WORD = np.dtype(np.uint16)
CANDIDATES = ("imagecodecs", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "python-gdcm", "pyjpegls")
SYNTAXES = {"jpeg_lossless": "4.70", "jpeg_ls": "4.80", "jpeg_deep": "4.51", "htj2k": "4.201"}
NOTHING = "def nothing_decode(data, out):\n    pass\n"


def radiograph() -> np.ndarray:
    """uint16[ROWS, COLUMNS] of 12 bits: smooth shapes and a detector's noise."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] / 1000
    smooth = 2000 + 900 * np.sin(3 * x) * np.cos(2 * y) + 300 * np.sin(17 * y)
    noise = np.random.default_rng(0).normal(0, 8, smooth.shape)
    return (smooth + noise).clip(0, 4095).astype(np.uint16)


def _imagecodecs(coding: str, frame: bytes) -> Callable[[], Any]:
    import imagecodecs

    name = {"jpeg_lossless": "jpeg8", "jpeg_deep": "jpeg8", "jpeg_ls": "jpegls", "htj2k": "htj2k"}[coding]
    return lambda: getattr(imagecodecs, name + "_decode")(frame)


def _libjpeg(coding: str, frame: bytes) -> Callable[[], Any] | None:
    import libjpeg

    return None if coding == "htj2k" else lambda: libjpeg.decode(frame)


def _openjpeg(coding: str, frame: bytes) -> Callable[[], Any] | None:
    import openjpeg

    return (lambda: openjpeg.decode(frame)) if coding == "htj2k" else None


def _pyjpegls(coding: str, frame: bytes) -> Callable[[], Any] | None:
    import jpeg_ls

    return (lambda: jpeg_ls.decode(np.frombuffer(frame, np.uint8))) if coding == "jpeg_ls" else None


def _gdcm(coding: str, frame: bytes) -> Callable[[], Any]:
    import gdcm

    from tests.fuzz.samples import dicom

    with tempfile.NamedTemporaryFile(suffix=".dcm", delete=False) as file:
        syntax = "1.2.840.10008.1.2." + SYNTAXES[coding]
        file.write(dicom(np.zeros((ROWS, COLUMNS), np.uint16), syntax, frame, BitsStored=12, HighBit=11))

    def read() -> Any:
        reader = gdcm.ImageReader()
        reader.SetFileName(file.name)
        if not reader.Read():
            raise ValueError("not read")
        return reader.GetImage().GetBuffer()

    return read


MAKERS = dict(zip(CANDIDATES, (_imagecodecs, _libjpeg, _openjpeg, _gdcm, _pyjpegls), strict=True))


def measure(candidate: str, coding: str, frame: bytes, answers: Any) -> None:
    """In a child: the median and the least milliseconds, and how much the process's peak grew."""
    decode = MAKERS[candidate](coding, frame)
    if decode is None:
        answers.put(None)
        return
    before = _peak_mib()
    answers.put(_times(decode) | {"peak_mib": _peak_mib() - before})


def _peak_mib() -> int:
    """Of this process since it began; resource.getrusage would count its parent's peak too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def _times(decode: Callable[[], Any]) -> dict[str, float]:
    decode()
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        decode()
        taken.append((time.perf_counter() - started) * 1000)
    return {"median_ms": round(statistics.median(taken), 2), "least_ms": round(min(taken), 2)}


def candidates(frames: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    context = multiprocessing.get_context("spawn")
    for candidate in CANDIDATES:
        try:
            about = importlib.metadata.metadata(candidate)
        except importlib.metadata.PackageNotFoundError:
            found[candidate] = "not installed"
            continue
        files = importlib.metadata.files(candidate) or []
        size = sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).exists())
        licence = about.get("License-Expression") or about.get("License")
        found[candidate] = {"version": about["Version"], "licence": licence, "installed_mib": size >> 20}
        for coding in SYNTAXES:
            answers = context.SimpleQueue()
            child = context.Process(target=measure, args=(candidate, coding, frames[coding], answers))
            child.start()
            child.join()
            found[candidate][coding] = f"exit code {child.exitcode}" if answers.empty() else answers.get()
    return found


def pool_cost(frame: bytes) -> dict[str, Any]:
    """What the pool adds: a codec that does nothing, behind the same frame and the same number of pixels."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "imagecodecs.py").write_text(NOTHING, encoding="utf-8")
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = folder
        pool = DecoderPool(processes=1)

        def lend() -> None:
            with pool.lend("nothing", frame, (ROWS, COLUMNS), WORD):
                pass

        started = time.perf_counter()
        lend()
        first = (time.perf_counter() - started) * 1000
        cost = _times(lend)
        pool.close()
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    return {"first_ms": round(first, 1), **cost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    from tests.fuzz.samples import native_frames

    frames = native_frames(radiograph())
    system = f"{platform.system()} {platform.machine()}"
    facts = {
        "machine": f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}",
        "load_average": os.getloadavg(),
        "frame_bytes": {coding: len(frames[coding]) for coding in SYNTAXES},
        "candidates": candidates(frames),
        "pool": pool_cost(frames["jpeg_lossless"]),
    }
    text = json.dumps(facts, indent=2)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
