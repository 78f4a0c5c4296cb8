"""How many cores this process may use."""

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: "200000 100000" is two cores, "max 100000" is all


def cores(quota: Path = QUOTA) -> int:
    """The cores of the affinity mask or the container's limit, whichever is fewer; at least 1."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, _allowed(quota, usable)))


def _allowed(quota: Path, otherwise: int) -> int:
    try:
        runtime, period = quota.read_text().split()
        return int(runtime) // int(period)
    except (OSError, ValueError):  # another system, or no limit
        return otherwise
