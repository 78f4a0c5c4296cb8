"""A table of awkward files: what this decoder makes of each, against dcmtk's dcmj2pnm or the same picture in 8 bits.

    python -m benchmarks.dicom_cases FOLDER --out docs/results/dicom-cases.md

FOLDER holds DICOM and raster files, and E.npy: the picture that the rasters show, uint8[h, w]. Debian's dcmtk must be
installed. A DICOM file is shown through its VOI LUT, else its first window, else min-max.
"""

import argparse
import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cxr.common.errors import ImageError
from cxr.imaging.decode import decode
from cxr.imaging.exposure import exposure_fault

VIEWERS = ("dcmj2pnm", "dcml2pnm")  # the first knows JPEG, the second JPEG-LS
VIEWS = (("+Wl", "1"), ("+Wi", "1"), ("+Wm",))
REST = ".npy", ".pgm"
PIXELS_AND_FRAMES = "E.npy"


def shown_by_dcmtk(file: Path) -> np.ndarray | None:
    """uint8[h, w], or None where no viewer shows the file."""
    for viewer in VIEWERS:
        for view in VIEWS:
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder, "shown.pgm")
                done = subprocess.run([viewer, "-q", "+op", *view, file, out], capture_output=True, check=False)  # noqa: S603
                if done.returncode == 0 and out.exists() and out.stat().st_size:
                    return np.asarray(Image.open(io.BytesIO(out.read_bytes())).convert("L"))
    return None


def rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """File, what it became, mean absolute difference to the reference."""
    picture = np.load(folder / PIXELS_AND_FRAMES)
    for file in sorted(folder.iterdir()):
        if file.suffix in REST:
            continue
        reference = shown_by_dcmtk(file) if file.suffix == ".dcm" else picture
        yield file.name, *_verdict(file, reference)


def _verdict(file: Path, reference: np.ndarray | None) -> tuple[str, str]:
    try:
        found = decode(file.read_bytes())
    except ImageError as error:
        return f"refused: {error.code}", "not shown by dcmtk" if reference is None else ""
    fault = exposure_fault(found)
    became = "decoded" if fault is None else f"decoded, then refused: {fault}"
    if reference is None:
        return became, "not shown by dcmtk"
    if reference.shape != found.shape:
        return became, f"{found.shape} against {reference.shape}"
    return became, f"{np.abs(found.astype(int) - reference.astype(int)).mean():.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [f"| `{name}` | {became} | {difference} |" for name, became, difference in rows(arguments.folder)]
    text = "\n".join(["| file | became | mean absolute difference, grey levels |", "|---|---|---|", *lines]) + "\n"
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
