import datetime
from pathlib import Path
from typing import Any

import pytest

from cxr.common.errors import CxrError
from tools.audit import Allowance, read_allowed, verdict

TODAY = datetime.date(2026, 6, 1)
ENTRY = {"package": "pillow", "advisory": "CVE-1", "until": "2026-07-01", "why": "no such file is read"}
CLEAN: list[dict[str, Any]] = [{"name": f"package-{number}", "version": "1", "vulns": []} for number in range(20)]
FOUND = {"name": "pillow", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"]}]}
UNKNOWN = {"name": "pillow", "skip_reason": "Dependency not found on PyPI"}


def allowed(folder: Path, **changes: str) -> list[Allowance]:
    file = folder / "allowed.yaml"
    lines = [f"{key}: {value}" for key, value in (ENTRY | changes).items() if value]
    file.write_text("- " + "\n  ".join(lines) + "\n")
    return read_allowed(file, TODAY)


def test_packages_without_findings_pass() -> None:
    assert verdict(CLEAN, []) == "20 of 20 packages audited, 0 findings let pass"


def test_a_vulnerability_fails_and_is_named() -> None:
    with pytest.raises(CxrError, match="vulnerable: pillow PYSEC-1; take a newer version"):
        verdict([*CLEAN, FOUND], [])


def test_one_that_is_let_pass_is_known_under_any_of_its_names(tmp_path: Path) -> None:
    assert verdict([*CLEAN, FOUND], allowed(tmp_path)).endswith("1 findings let pass")
    with pytest.raises(CxrError, match="vulnerable"):
        verdict([*CLEAN, FOUND], allowed(tmp_path, package="numpy"))


def test_an_audit_that_could_see_nothing_fails() -> None:
    assert verdict([*CLEAN, UNKNOWN], []).startswith("20 of 21")
    with pytest.raises(CxrError, match="20 of 40 packages could not be audited, so nothing is known"):
        verdict([*CLEAN, *[UNKNOWN] * 20], [])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"until": "2026-05-31"}, "CVE-1 was let pass until 2026-05-31; look at it again"),
        ({"until": "2027-06-01"}, "is more than 180 days ahead"),
        ({"until": "soon"}, "until is 'soon'; write a date"),
        ({"why": ""}, "write package, advisory, until and why"),
    ],
)
def test_what_is_let_pass_has_a_reason_and_an_end(tmp_path: Path, changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(CxrError, match=complaint):
        allowed(tmp_path, **changes)
