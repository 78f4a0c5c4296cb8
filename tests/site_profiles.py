"""A site profile for tests, valid as it is."""

from typing import Any

from cxr.inference.site_profile import SiteProfile, profile_of

SHA256 = "ab" * 32


def document(**changes: Any) -> dict[str, Any]:
    """What a profile's file holds, with other values at the top."""
    figure = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60}
    whole = {
        "schema_version": 1,
        "site": "St. Example",
        "model": {"name": "covid-cxr", "version": "0123456789ab", "sha256": SHA256},
        "verdict": "for_use",
        "reasons": [],
        "calibration": {"scale": 1.0, "offset": 0.0},
        "threshold": 0.43,
        "triage": {"unlikely_below": 0.08, "likely_from": 0.91},
        "limits": {
            "missed_among_unlikely": 0.05, "false_among_likely": 0.2, "confidence": 0.95, "sensitivity": 0.9,
        },
        "certified": {"auc": figure, "sensitivity": figure},
        "reference": {
            "probability": {"edges": [0, 0.5, 1], "counts": [70, 30]},
            "coding": {"edges": ["jpeg", "raw"], "counts": [1, 2]},
        },
        "commissioned": {
            "on": "2026-11-27", "by": "A. Physicist", "valid_until": "2099-11-27", "images": 200, "patients": 150,
        },
    }  # fmt: skip
    return whole | changes


def profile(**changes: Any) -> SiteProfile:
    """As `document`, read."""
    return profile_of(document(**changes), "profile.json")
