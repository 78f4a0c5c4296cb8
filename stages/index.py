"""List every source's images, open each once: one row per usable image, one rejected row per other."""

from cxr.files import write_json
from cxr.indexing import build_index
from cxr.layout import INDEX, RAW, REJECTED, REPORTS
from cxr.manifest import ImageRow, RejectedRow, count_by, write_rows
from cxr.params import DownloadParams, load_params
from cxr.stage import run_stage


def main() -> str:
    rows, rejected = build_index(load_params(DownloadParams, "download"), RAW)
    write_rows(rows, ImageRow, INDEX)
    write_rows(rejected, RejectedRow, REJECTED)
    report = {
        "images": len(rows),
        "patients": len({row.patient for row in rows}),
        "by_source_and_label": count_by(rows, "source", "label"),
        "by_role": count_by(rows, "role"),
        "by_view": count_by(rows, "view"),
        "rejected": len(rejected),
        "rejected_by_source_and_reason": count_by(rejected, "source", "reason"),
    }
    write_json(report, REPORTS / "index.json")
    return f"{len(rows)} images of {report['patients']} patients, {len(rejected)} rejected"


if __name__ == "__main__":
    run_stage(main)
