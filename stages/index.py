"""List every source's images, open each once: one row per usable image, one rejected row per other.

Beside them: the rejected pictures that can teach the gate, and the lung masks, as the sources name them.
"""

from cxr.common.config import load_params
from cxr.common.paths import INDEX, LUNG_MASKS, OTHER_VIEWS, RAW, REJECTED, REPORTS
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.manifest import ImageRow, LungMask, OtherView, RejectedRow, count_by, write_rows
from cxr.sources.index import build_index
from cxr.sources.settings import DownloadParams


def main() -> str:
    rows, rejected, other_views, lung_masks = build_index(load_params(DownloadParams), RAW)
    write_rows(rows, ImageRow, INDEX)
    write_rows(rejected, RejectedRow, REJECTED)
    write_rows(other_views, OtherView, OTHER_VIEWS)
    write_rows(lung_masks, LungMask, LUNG_MASKS)
    report = {
        "images": len(rows),
        "patients": len({row.patient for row in rows}),
        "patients_in_several_sources": _in_several_sources(rows),
        "by_source_and_label": count_by(rows, "source", "label"),
        "by_role": count_by(rows, "role"),
        "by_view": count_by(rows, "view"),
        "rejected": len(rejected),
        "rejected_by_source_and_reason": count_by(rejected, "source", "reason"),
    }
    write_report(report, REPORTS / "index.json")
    return f"{len(rows)} images of {report['patients']} patients, {len(rejected)} rejected"


def _in_several_sources(rows: list[ImageRow]) -> int:
    sources: dict[str, set[str]] = {}
    for row in rows:
        sources.setdefault(row.patient, set()).add(row.source)
    return sum(len(found) > 1 for found in sources.values())


if __name__ == "__main__":
    run_stage(main)
