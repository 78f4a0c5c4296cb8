"""Decode and resize every indexed image once."""

from cxr.layout import INDEX, PIXELS, RAW
from cxr.manifest import ImageRow, read_rows
from cxr.params import PixelsParams, load_params
from cxr.pixels import write_pixels
from cxr.stage import run_stage


def main() -> str:
    rows = read_rows(ImageRow, INDEX)
    side = load_params(PixelsParams, "pixels").side
    write_pixels(rows, RAW, side, PIXELS)
    return f"{len(rows)} images at {side} x {side}"


if __name__ == "__main__":
    run_stage(main)
