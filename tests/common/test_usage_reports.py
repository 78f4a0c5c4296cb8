import re
import subprocess
import sys
from pathlib import Path

import yaml

from cxr.common.usage_reports import SWITCHES

ROOT = Path(__file__).parents[2]


def test_openvinos_tools_are_given_no_sender() -> None:
    """In a process of its own: other tests may have imported them before."""
    script = (
        "from cxr.common.usage_reports import switch_off; switch_off()\n"
        "import openvino.tools.ovc.telemetry_utils as utils, nncf.telemetry.wrapper as wrapper\n"
        "print(utils.tm.__name__, type(wrapper.telemetry).__name__)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["openvino.tools.ovc.telemetry_stub", "MagicMock"]


def test_the_makefile_exports_the_same_switches() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    exported = dict(re.findall(r"^export ([A-Z_]+) := (\S+)$", text, re.MULTILINE))
    assert SWITCHES.items() <= exported.items()


def test_an_image_of_the_service_has_bentomls_switch_from_its_start() -> None:
    variables = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))["docker"]["env"]
    assert variables["BENTOML_DO_NOT_TRACK"] == SWITCHES["BENTOML_DO_NOT_TRACK"]
