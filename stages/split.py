"""Send every patient to train, validation or test, and drop near-duplicates that stand in two splits."""

from cxr.common.config import load_params
from cxr.common.errors import CxrError
from cxr.common.paths import INDEX, REPORTS, SPLIT, SPLIT_REJECTED
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.manifest import ImageRow, RejectedRow, count_by, read_rows, write_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import SPLITS, SplitRow, assign_splits


def main() -> str:
    rows = read_rows(ImageRow, INDEX)
    kept, dropped = assign_splits(rows, load_params(SplitParams))
    counts = count_by(kept, "split")
    empty = [split for split in SPLITS if not counts.get(split)]
    if empty:
        raise CxrError(f"no patient fell to {', '.join(empty)}; add patients or change split.seed in params.yaml")
    write_rows(kept, SplitRow, SPLIT)
    write_rows(dropped, RejectedRow, SPLIT_REJECTED)
    labels = {row.path: row.label for row in rows}
    by_label: dict[str, int] = {}
    for row in kept:
        key = f"{row.split}/{labels[row.path]}"
        by_label[key] = by_label.get(key, 0) + 1
    report = {
        "images": counts,
        "patients": {split: len({row.group for row in kept if row.split == split}) for split in counts},
        "images_by_label": dict(sorted(by_label.items())),
        "near_duplicates_dropped": len(dropped),
    }
    write_report(report, REPORTS / "split.json")
    shown = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    return f"{len(rows)} images: {shown}, {counts.get('held_out', 0)} held out, {len(dropped)} near-duplicates dropped"


if __name__ == "__main__":
    run_stage(main)
