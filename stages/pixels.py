"""Decode and resize every indexed image once."""

from cxr.common.config import load_params
from cxr.common.paths import INDEX, PIXELS, RAW
from cxr.common.stage_runner import run_stage
from cxr.data.manifest import ImageRow, read_rows
from cxr.data.pixel_store import write_pixels
from cxr.data.settings import PixelsParams


def main() -> str:
    rows = read_rows(ImageRow, INDEX)
    image_size = load_params(PixelsParams).image_size
    write_pixels(rows, RAW, image_size, PIXELS)
    return f"{len(rows)} images at {image_size} x {image_size}"


if __name__ == "__main__":
    run_stage(main)
