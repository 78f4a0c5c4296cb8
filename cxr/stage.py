"""What all stages and commands share at the edge: one log line, one sentence for an expected fault."""

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cxr.errors import CxrError
from cxr.params import ParamsError

# The other faults that a stage may meet through no fault of the code: they carry a sentence of their own.
EXPECTED = (CxrError, ParamsError)


def run_stage(main: Callable[[], str]) -> None:
    """Run a stage's main. Its returned summary becomes one line on standard output, with the time taken.

    An expected fault becomes one sentence on standard error and exit status 1; anything else keeps its
    traceback, since it is a defect.
    """
    # TensorFlow and OpenVINO greet at import; a stage's log is one line.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    name = Path(sys.argv[0]).stem
    start = time.monotonic()
    try:
        summary = main()
    except EXPECTED as fault:
        sys.exit(f"{name}: {fault}")
    except OSError as fault:
        if fault.filename is None:
            raise
        sys.exit(f"{name}: {fault.strerror}: {fault.filename}; free the disk or mend its permissions, then run again")
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted; run it again, what is complete is kept")
    sys.stdout.write(f"{name}: {summary}, {time.monotonic() - start:.1f} s\n")
