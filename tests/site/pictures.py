"""A made site of small pictures: bright in the middle is COVID, which is what `tests.tiny` looks at."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 32


def picture(number: int, *, covid: bool, typical: bool = True) -> np.ndarray:
    """uint8[SIZE, SIZE], as bright on the left as on the right, so that the tiny gate passes it."""
    half = np.random.default_rng(number).integers(20, 120, (SIZE, SIZE // 2), np.uint8)
    whole = np.hstack([half, half[:, ::-1]])
    middle = slice(SIZE // 4, -SIZE // 4)
    if covid == typical:
        whole[middle, middle] += 100
    return whole


def table_of(folder: Path, positives: int, negatives: int, wrong: int = 0) -> Path:
    """PNG files with labels.csv, one picture a patient. wrong: so many of each label look like the other."""
    (folder / "images").mkdir(parents=True)
    lines = ["file,patient,label,view,sex,age"]
    for number in range(positives + negatives):
        covid = number < positives
        place = number if covid else number - positives
        shown = picture(number, covid=covid, typical=place >= wrong)
        Image.fromarray(shown).save(folder / f"images/{number}.png")
        label = "COVID" if covid else "NonCOVID"
        view = ("PA", "AP")[number % 2]
        lines.append(f"images/{number}.png,p{number},{label},{view},{'FM'[number % 3 == 0]},{40 + number % 50}")
    table = folder / "labels.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
