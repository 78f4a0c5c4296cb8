"""OpenVINO's converter and NNCF report their use to the vendor unless told not to; a hospital's pipeline reports
nothing."""

import os
import sys


def silence() -> None:
    """To be called before the first import of either tool.

    The converter sends its reports wherever the package openvino_telemetry can be imported. A name that is bound to
    None in sys.modules cannot be. NNCF has a switch of its own.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    os.environ.setdefault("NNCF_CI", "1")
