"""Notes every connection that a Python process and its children try to open to another machine.

Python imports a module `sitecustomize` at its start where the path has one. This one adds an audit hook, which sees
what the libraries do as well; the connection then goes to no proxy and nowhere: it is refused.
"""

import os
import sys
from pathlib import Path

HOOK = """
import os, sys

def note(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else str(host)
    if host.startswith("127.") or host in ("::1", "localhost", "None", "", "0.0.0.0", "::", os.uname().nodename):
        return
    with open(os.environ["OUTBOUND"], "a") as log:
        log.write(f"{host} by {' '.join(sys.argv)[:200]}\\n")
    raise OSError("this test lets nothing out")

sys.addaudithook(note)
"""
KEPT = ("PATH", "LANG", "TZ", "VIRTUAL_ENV")


class Outbound:
    """What left, and the environment in which it is noted: no switch against reports, no sign of a test or of CI."""

    def __init__(self, folder: Path):
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HOOK)
        self._log = folder / "outbound"
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "HOME": str(folder),
            "OUTBOUND": str(self._log),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "hook"),
        }

    @property
    def seen(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []
