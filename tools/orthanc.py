"""An archive on this machine: Debian's Orthanc with its DICOMweb plugin, for `make clinic` and for tests.

It keeps everything in one folder, takes connections from this machine alone, and sends new X-rays to a DICOM node if
one is named.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from cxr.common.errors import CxrError

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
HOW_TO_GET = "Orthanc is not on this machine; Debian and Ubuntu have it: `apt-get install orthanc orthanc-dicomweb`"
READY_WITHIN_S = 60
# X-rays that came from elsewhere than the node go to the node. What the node sends is never one of these classes with
# another sender: so nothing travels in a circle.
ROUTING = """
local xrays = {CR = true, DX = true}
function OnStoredInstance(instanceId, tags, metadata, origin)
  if origin['RemoteAet'] ~= '%(aet)s' and xrays[tags['Modality']] then
    SendToModality(instanceId, '%(aet)s')
  end
end
"""


@dataclass(frozen=True)
class Peer:
    """A DICOM station on this machine that the archive knows: its AE title and port."""

    aet: str
    port: int


@dataclass(frozen=True)
class Orthanc:
    """folder: where it keeps objects, index and log. route_to: the AE title of the peer that gets new X-rays. remote:
    other machines may reach its web pages; DICOM is taken from known peers on this machine alone."""

    folder: Path
    http_port: int
    dicom_port: int
    aet: str = "ORTHANC"
    peers: Sequence[Peer] = ()
    route_to: str = ""
    remote: bool = False
    user: str = "clinic"
    password: str = field(default="clinic", repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    @property
    def log(self) -> str:
        return (self.folder / "orthanc.log").read_text(encoding="utf-8", errors="replace")

    def configuration(self) -> dict[str, object]:
        return {
            "Name": "covid-cxr",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": self.remote,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {self.user: self.password},
            "DicomPort": self.dicom_port,
            "DicomAet": self.aet,
            "DicomCheckCalledAet": True,
            "DicomCheckModalityHost": True,
            "DicomAlwaysAllowStore": False,
            "DicomModalities": {peer.aet: [peer.aet, "127.0.0.1", peer.port] for peer in self.peers},
            "LuaScripts": [str(self.folder / "routing.lua")] if self.route_to else [],
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True},
            "StableAge": 1,
            "DicomAssociationCloseDelay": 1,
            "ConcurrentJobs": 4,
        }


def why_missing() -> str | None:
    """One sentence if this machine cannot run Orthanc with DICOMweb; None if it can."""
    return None if binary() and PLUGIN.exists() else HOW_TO_GET


def binary() -> str | None:
    """Debian keeps it in /usr/sbin, which is not on everybody's path."""
    return shutil.which("Orthanc", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@contextlib.contextmanager
def running(archive: Orthanc) -> Iterator[Orthanc]:
    """Answers inside the block, stopped after it. What it stored stays in its folder: a second block finds it again.

    Raises CxrError where Orthanc is missing or does not start.
    """
    process = launch(archive)
    try:
        yield archive
    finally:
        stop(process)


def launch(archive: Orthanc) -> "subprocess.Popen[bytes]":
    """Its process, once it answers; the caller stops it. Raises CxrError as `running` does."""
    missing = why_missing()
    if missing:
        raise CxrError(missing)
    _configure(archive)
    with (archive.folder / "orthanc.log").open("ab") as log:
        process = subprocess.Popen(
            [str(binary()), str(archive.folder / "orthanc.json")],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for who started it, who then stops it in order
        )
    try:
        _await_ready(archive, process)
    except BaseException:
        stop(process)
        raise
    return process


def _configure(archive: Orthanc) -> None:
    (archive.folder / "storage").mkdir(parents=True, exist_ok=True)
    (archive.folder / "routing.lua").write_text(ROUTING % {"aet": archive.route_to}, encoding="utf-8")
    text = json.dumps(archive.configuration(), indent=2)
    (archive.folder / "orthanc.json").write_text(text, encoding="utf-8")


def _await_ready(archive: Orthanc, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CxrError(f"Orthanc stopped at once; its log is {archive.folder / 'orthanc.log'}")
        with contextlib.suppress(OSError, URLError):
            rest(archive, "/system")
            return
        time.sleep(0.05)
    raise CxrError(f"Orthanc does not answer at {archive.url}; its log is {archive.folder / 'orthanc.log'}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def rest(archive: Orthanc, path: str, body: bytes | None = None) -> Any:
    """Orthanc's own interface: GET, or POST with a body; the JSON that it answers."""
    login = b64encode(f"{archive.user}:{archive.password}".encode()).decode()
    request = Request(archive.url + path, data=body, headers={"Authorization": f"Basic {login}"})
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)
