"""Starting Chromium: one place for its path and switches, for the tests and the scripts."""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

INSECURE_HOST = "clinic.test"  # loopback under a name that is no secure context: what a page without HTTPS gets

SWITCHES = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
]


def chromium_path() -> str | None:
    """CXR_CHROMIUM, else Debian's, else whatever is on the path, else None."""
    asked = os.environ.get("CXR_CHROMIUM")
    candidates = [asked, "/usr/bin/chromium", shutil.which("chromium"), shutil.which("google-chrome")]
    return next((path for path in candidates if path and Path(path).exists()), None)


def launch(playwright: Playwright, path: str) -> Browser:
    switches = SWITCHES + (["--no-sandbox"] if os.geteuid() == 0 else [])  # Chromium's sandbox refuses to run as root
    return playwright.chromium.launch(executable_path=path, args=switches)
