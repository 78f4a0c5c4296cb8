"""Find images that show one picture."""

from cxr.common.config import load_params
from cxr.common.paths import COPIES, INDEX, PIXELS, REPORTS
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.copies.pair import Copy
from cxr.copies.table import SWITCHED_OFF, StoredPictures, copies_report, copy_table
from cxr.data.copies import CopyRow
from cxr.data.manifest import ImageRow, read_rows, write_rows
from cxr.data.pixel_store import read_pixels
from cxr.data.settings import CopiesParams


def main() -> str:
    rows = read_rows(ImageRow, INDEX)
    params = load_params(CopiesParams)
    table = copy_table(rows, _found(StoredPictures(rows, read_pixels(PIXELS)), params))
    report = copies_report(rows, table, "" if params.enabled else SWITCHED_OFF, params.correlation)
    write_rows(table, CopyRow, COPIES)
    write_report(report, REPORTS / "copies.json")
    apart = sum(report["apart"].values())
    return f"{len(rows)} images: {apart} pairs of copies under two names, {report['within_patients']} within patients"


def _found(pictures: StoredPictures, params: CopiesParams) -> list[Copy]:
    if not params.enabled:
        return []
    from cxr.copies.finder import learned_and_found  # numba and faiss take a second or two to import

    return learned_and_found(pictures, params.correlation, params.seed)


if __name__ == "__main__":
    run_stage(main)
