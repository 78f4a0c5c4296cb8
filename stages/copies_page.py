"""List every pair of copies for a person to look at.

It is a stage of its own, since DVC does not cache the page: an output that is not cached makes its stage run again in
every fresh clone, and who is joined must not hang on the machine that looks.
"""

from cxr.common.atomic_files import write_text
from cxr.common.paths import COPIES, INDEX, PIXELS, REPORTS
from cxr.common.report_files import read_report
from cxr.common.stage_runner import run_stage
from cxr.copies.page import copies_page
from cxr.copies.table import CopiesReport
from cxr.data.copies import CopyRow
from cxr.data.manifest import ImageRow, read_rows
from cxr.data.pixel_store import read_pixels


def main() -> str:
    report = read_report(CopiesReport, REPORTS / "copies.json")
    page = copies_page(read_rows(ImageRow, INDEX), read_rows(CopyRow, COPIES), read_pixels(PIXELS), report)
    write_text(page, REPORTS / "copies.html")
    return f"{sum(report['apart'].values())} pairs of copies under two names, in {REPORTS / 'copies.html'}"


if __name__ == "__main__":
    run_stage(main)
