"""A whole training, put together from what was measured, against the plain way's extrapolation."""

from typing import Any

NEEDED = ("files", "head", "trunk", "growth", "plain", "fixed")
# Beside each training image: validation and test images of the split's default shares (0.15 and 0.2 of all).
HELD_OUT_PER_TRAINING_IMAGE = (0.15 + 0.2) / (1 - 0.15 - 0.2)
MORE = 0.1


def whole_training(figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Seconds from raw files to metrics by part, for as many training images, views and epochs as the head trained;
    nothing where a question was not asked."""
    if not all(name in figures for name in NEEDED):
        return {}
    size, plain = figures["head"]["size"], figures["plain"]
    images, views, epochs = size["images"], size["views"], size["epochs"]
    held_out = images * HELD_OUT_PER_TRAINING_IMAGE
    parts = {
        "index, split, pixels": (images + held_out) / figures["files"]["images_per_s"]["together"],
        "bank of views": images * views / figures["growth"]["views_per_s"],
        # Validation images pass for the bank and for the calibration, test images once.
        "held-out images": held_out * (0.3 + 0.2) / 0.35 / figures["trunk"]["images_per_s"]["openvino_f32"],
        "head": figures["head"]["flatten"]["seconds"],
        "all else": figures["fixed"]["seconds"],
    }
    total = sum(parts.values())
    plain_s = images * epochs / plain["images_per_s"]
    return {
        "size": {"training_images": images, "views": views, "epochs": epochs},
        "seconds": parts,
        "total_s": total,
        "plain_way_extrapolated_s": plain_s,
        "times_faster": plain_s / total,
        "ten_percent_more": _grown(parts, figures["growth"]["share"]),
    }


def _grown(parts: dict[str, float], bank_share: float) -> dict[str, float]:
    """The share of a full run that a run after adding a tenth of the patients takes: the bank computes the new rows
    only, everything else starts anew on all images."""
    full = {name: seconds * (1 if name == "all else" else 1 + MORE) for name, seconds in parts.items()}
    again = sum(seconds for name, seconds in full.items() if name != "bank of views")
    bank = full["bank of views"] * bank_share
    return {"bank_alone": bank_share, "whole_pipeline": (again + bank) / sum(full.values())}
