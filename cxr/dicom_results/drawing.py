"""The heat map over the decoded picture, with what must be read beside it in bands above and below.

Needs Pillow only, so that a heat map can be written where the extra `clinic` is missing.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cxr.dicom_results.heat_map import heat_pixels
from cxr.dicom_results.said import Said

NOT_FOR_CLINICAL_USE = "NOT FOR CLINICAL USE"
LEGEND = "orange: speaks for COVID, blue: against"
YELLOW = (255, 221, 0)
NOT_COMMISSIONED = "not_commissioned"  # the warning, of which `standing` has the words
_LINE = 1 / 28  # height of a line of text, of the picture's longer side


def headline(said: Said) -> str:
    """State, percentage and threshold; what must never stand alone, such as the stamp, follows it."""
    stamp = "; model stamped: shortcut" if said.stamped else ""
    return f"{said.state} {said.percentage:.1f} % (threshold {100 * said.threshold:.1f} %){stamp}"


def standing(said: Said) -> str:
    """The triage group and the site, or that the model was commissioned for none."""
    here = said.commissioned
    if here is None:
        return "Not commissioned"
    return f"Commissioned for {here.site}" if here.triage is None else f"Triage at {here.site}: {here.triage}"


def drawn(said: Said, picture: np.ndarray, longest_side: int) -> np.ndarray:
    """uint8[h, w] to uint8[h', w', 3] with the heat map over it and text above and below."""
    grey = Image.fromarray(picture)
    grey.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    heat = Image.fromarray(heat_pixels(said.heatmap)).resize(grey.size, Image.Resampling.BICUBIC)
    shown = Image.alpha_composite(grey.convert("RGBA"), heat).convert("RGB")
    above = [f"{NOT_FOR_CLINICAL_USE} - AI result, not reviewed"]
    below = [headline(said), standing(said), f"{said.model.name} {said.model.version}; {LEGEND}"]
    below += [warning.code.replace("_", " ") for warning in said.warnings if warning.code != NOT_COMMISSIONED]
    top, bottom = _band(above, shown.width, longest_side), _band(below, shown.width, longest_side)
    whole = Image.new("RGB", (shown.width, top.height + shown.height + bottom.height))
    for part, y in ((top, 0), (shown, top.height), (bottom, top.height + shown.height)):
        whole.paste(part, (0, y))
    return np.asarray(whole)


def _band(lines: list[str], width: int, longest_side: int) -> Image.Image:
    """Lines of yellow text on black, each as large as fits into `width`."""
    height = max(12, round(longest_side * _LINE))
    band = Image.new("RGB", (width, height * len(lines)))
    draw = ImageDraw.Draw(band)
    for i, line in enumerate(lines):
        size = 0.75 * height
        length = draw.textlength(line, ImageFont.load_default(size))
        fitting = size * min(1, 0.96 * (width - 4) / length)
        draw.text((2, height * i), line, YELLOW, ImageFont.load_default(max(4, fitting)))
    return band
