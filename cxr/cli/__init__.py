"""The command line: `cxr predict`, `cxr completion`, and the commands that other packages add.

Imports `common`, `imaging`, `inference` and `dicom_results`. It starts in milliseconds: a command loads what it needs.
"""

from cxr.cli.program import main

__all__ = ["main"]
