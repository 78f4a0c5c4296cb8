"""Who is at work: the name that goes with a run and with a move of the champion."""

import getpass
import os
import subprocess
from collections.abc import Mapping

WHO = "CXR_WHO"  # set by continuous integration, or by a person whom git does not know


def author(environment: Mapping[str, str] = os.environ) -> str:
    """CXR_WHO, else git's user.name, else the login."""
    return environment.get(WHO, "").strip() or _git_name() or _login()


def _git_name() -> str:
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"
