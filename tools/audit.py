"""Known vulnerabilities of the locked packages: `make audit`.

It fails on a vulnerability that audit_allowed.yaml does not name, on an entry there whose date has passed, and where
the index could tell nothing about more than a few packages: an audit that looked at nothing has found nothing.
"""

import datetime
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cxr.common.errors import CxrError
from cxr.common.stage_runner import run_stage

ALLOWED = Path(__file__).with_name("audit_allowed.yaml")
UNKNOWN_SHARE = 0.1  # of the packages; some are too new for an index
LONGEST_DAYS = 180


@dataclass(frozen=True)
class Allowance:
    """A vulnerability that does no harm here, for now. until: the last day on which it is let pass."""

    package: str
    advisory: str
    until: datetime.date
    why: str


def read_allowed(file: Path, today: datetime.date) -> list[Allowance]:
    """Raises CxrError on an entry that is incomplete, has passed, or lies too far ahead."""
    allowed = []
    for number, entry in enumerate(yaml.safe_load(file.read_text(encoding="utf-8")) or [], 1):
        where = f"{file.name}, entry {number}"
        if not isinstance(entry, dict) or entry.keys() != {"package", "advisory", "until", "why"}:
            raise CxrError(f"{where}: write package, advisory, until and why")
        allowance = Allowance(**entry)
        if not isinstance(allowance.until, datetime.date):
            raise CxrError(f"{where}: until is {allowance.until!r}; write a date such as 2026-12-31")
        if allowance.until < today:
            raise CxrError(f"{where}: {allowance.advisory} was let pass until {allowance.until}; look at it again")
        if allowance.until > today + datetime.timedelta(LONGEST_DAYS):
            raise CxrError(f"{where}: {allowance.until} is more than {LONGEST_DAYS} days ahead; choose an earlier day")
        allowed.append(allowance)
    return allowed


def verdict(packages: Sequence[dict[str, Any]], allowed: Sequence[Allowance]) -> str:
    """packages: pip-audit's `dependencies`. The summary; raises CxrError where the audit does not hold."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) > UNKNOWN_SHARE * len(packages):
        raise CxrError(
            f"{len(unknown)} of {len(packages)} packages could not be audited, so nothing is known: the index has no "
            "advisories; run it where PyPI can be reached"
        )
    passed = {(allowance.package, allowance.advisory) for allowance in allowed}
    found = [(package["name"], advisory) for package in packages for advisory in package.get("vulns", [])]
    bad = [f"{name} {advisory['id']}" for name, advisory in found if not passed & _names(name, advisory)]
    if bad:
        raise CxrError(
            f"vulnerable: {', '.join(bad)}; take a newer version (`make lock`), or say in {ALLOWED.name} why it does "
            "no harm here"
        )
    return f"{len(packages) - len(unknown)} of {len(packages)} packages audited, {len(found)} findings let pass"


def _names(package: str, advisory: dict[str, Any]) -> set[tuple[str, str]]:
    """One vulnerability has several names: PYSEC, CVE, GHSA."""
    return {(package, name) for name in (advisory["id"], *advisory.get("aliases", []))}


def _audited() -> list[dict[str, Any]]:
    locked = _run("uv", "export", "--quiet", "--frozen", "--all-extras", "--no-emit-project", text="")
    command = ("pip-audit", "--require-hashes", "--disable-pip", "--requirement", "/dev/stdin", "--format", "json")
    return json.loads(_run(*command, text=locked, status=(0, 1)))["dependencies"]  # 1: vulnerabilities were found


def _run(*command: str, text: str, status: Sequence[int] = (0,)) -> str:
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in status or not done.stdout:
        raise CxrError(f"{command[0]} ended with status {done.returncode}; its own message is above")
    return done.stdout


def main() -> str:
    return verdict(_audited(), read_allowed(ALLOWED, datetime.datetime.now(datetime.UTC).date()))


if __name__ == "__main__":
    run_stage(main)
