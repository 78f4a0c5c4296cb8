import subprocess
import sys


def test_openvinos_tools_are_given_no_sender() -> None:
    """In a process of its own: other tests may have imported them before."""
    script = (
        "from cxr.networks.telemetry import silence; silence()\n"
        "import openvino.tools.ovc.telemetry_utils as utils, nncf.telemetry.wrapper as wrapper\n"
        "print(utils.tm.__name__, type(wrapper.telemetry).__name__)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["openvino.tools.ovc.telemetry_stub", "MagicMock"]
