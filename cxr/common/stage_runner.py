"""What all stages and commands share at the edge: one log line, one sentence for an expected fault."""

import errno
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cxr.common.errors import CxrError
from cxr.common.usage_reports import switch_off

# What a person can do about a fault of the disk. A full one is known by its number alone: writing names no file.
_REMEDIES = {
    errno.ENOSPC: "free space on the disk",
    errno.EDQUOT: "free space or have the quota raised",
    errno.EACCES: "mend its permissions",
    errno.EPERM: "mend its permissions",
    errno.EROFS: "make the disk writable",
}


def run_stage(main: Callable[[], str]) -> None:
    """Run a stage's main. Its returned summary becomes one line on standard output, with the time taken.

    An expected fault becomes one sentence on standard error and exit status 1; anything else keeps its
    traceback, since it is a defect.
    """
    switch_off()
    # TensorFlow and OpenVINO greet at import; a stage's log is one line.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    name = Path(sys.argv[0]).stem
    start = time.monotonic()
    try:
        summary = main()
    except CxrError as fault:
        sys.exit(f"{name}: {fault}")
    except OSError as fault:
        remedy = _REMEDIES.get(fault.errno or 0)
        if fault.filename is None and remedy is None:
            raise
        where = "" if fault.filename is None else f": {fault.filename}"
        sys.exit(f"{name}: {fault.strerror}{where}; {remedy or 'look whether it is there'}, then run again")
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted; run it again, what is complete is kept")
    sys.stdout.write(f"{name}: {summary}, {time.monotonic() - start:.1f} s\n")
