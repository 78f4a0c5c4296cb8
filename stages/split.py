"""Send every patient, with all whom copies join to them, to train, validation or test."""

from cxr.common.config import load_params
from cxr.common.errors import CxrError
from cxr.common.paths import COPIES, INDEX, REPORTS, SPLIT, SPLIT_REJECTED
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.copies import CopyRow
from cxr.data.manifest import ImageRow, RejectedRow, count_by, read_rows, write_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import SPLITS, SplitRow, assign_splits


def main() -> str:
    rows = read_rows(ImageRow, INDEX)
    kept, dropped = assign_splits(rows, read_rows(CopyRow, COPIES), load_params(SplitParams))
    counts = count_by(kept, "split")
    empty = [split for split in SPLITS if not counts.get(split)]
    if empty:
        raise CxrError(f"no patient fell to {', '.join(empty)}; add patients or change split.seed in params.yaml")
    write_rows(kept, SplitRow, SPLIT)
    write_rows(dropped, RejectedRow, SPLIT_REJECTED)
    reasons = count_by(dropped, "reason")
    labels = {row.path: row.label for row in rows}
    by_label: dict[str, int] = {}
    for row in kept:
        key = f"{row.split}/{labels[row.path]}"
        by_label[key] = by_label.get(key, 0) + 1
    report = {
        "images": counts,
        "patients": {split: len({row.group for row in kept if row.split == split}) for split in counts},
        "images_by_label": dict(sorted(by_label.items())),
        "patients_joined": _joined(rows, kept),
        "near_duplicates_dropped": reasons.get("near_duplicate_across_split", 0),
        "contradictory_copies_dropped": reasons.get("conflicting_labels", 0),
    }
    write_report(report, REPORTS / "split.json")
    shown = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    return f"{len(rows)} images: {shown}, {counts.get('held_out', 0)} held out, {len(dropped)} copies dropped"


def _joined(rows: list[ImageRow], kept: list[SplitRow]) -> int:
    """Patients who are in a group with others."""
    group_of = {row.path: row.group for row in kept}
    patients: dict[str, set[str]] = {}
    for row in rows:
        if row.path in group_of:
            patients.setdefault(group_of[row.path], set()).add(row.patient)
    return sum(len(found) for found in patients.values() if len(found) > 1)


if __name__ == "__main__":
    run_stage(main)
