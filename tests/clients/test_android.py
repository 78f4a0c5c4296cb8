"""The Android app's own tests and its package, where the machine has what they need."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving.xrays import picture

APP = Path(__file__).resolve().parents[2] / "clients" / "android"
LIBRARIES = ("junit4.jar", "hamcrest-core.jar", "com.android.json.jar")
LIMIT_BYTES = 200 * 1024

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.skipif(
    not shutil.which("javac") or not all(Path("/usr/share/java", name).exists() for name in LIBRARIES),
    reason="needs Debian's openjdk-17-jdk-headless junit4 libhamcrest-java libandroid-json-java",
)
def test_the_logic_passes_its_unit_tests_and_talks_to_the_real_service(real_service: str, tmp_path: Path) -> None:
    sample = tmp_path / "chest.jpeg"
    sample.write_bytes(picture(kind="JPEG"))
    environment = {**os.environ, "CXR_SERVICE_URL": real_service, "CXR_SAMPLE_IMAGE": str(sample)}
    done = subprocess.run([APP / "test.sh"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.search(r"tests (\d+), failed (\d+), skipped (\d+)", done.stdout)
    assert counts, done.stdout
    assert int(counts[1]) > 50
    assert int(counts[2]) == 0
    assert int(counts[3]) == 1, "only the test of a wrong API key, which this service does not ask for"


@pytest.mark.skipif("CXR_BUILD_APK" not in os.environ, reason="CXR_BUILD_APK names no script that builds an APK")
def test_the_apk_is_small_signed_and_launchable(tmp_path: Path) -> None:
    apk = tmp_path / "covid-cxr.apk"
    done = subprocess.run([os.environ["CXR_BUILD_APK"], APP, apk], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "signature verified" in done.stdout
    assert "starts org.covidcxr.app.MainActivity" in done.stdout
    assert apk.stat().st_size < LIMIT_BYTES
