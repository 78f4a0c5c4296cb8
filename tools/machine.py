"""Describe the machine of a measurement: processor, cores, memory, versions; no host name and no path."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("tensorflow", "keras", "openvino", "numpy", "numba", "dvc", "mlflow")


def machine() -> dict[str, Any]:
    """Processor, its instructions for low precisions, cores, memory in GiB, versions."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in fields.items()}
    flags = set(facts.get("flags", "").split())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": facts.get("model name", platform.processor()),
        "bf16_instructions": bool({"avx512_bf16", "amx_bf16"} & flags),
        "matrix_units": bool({"amx_bf16", "amx_int8"} & flags),  # several times the vector instructions' speed
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
