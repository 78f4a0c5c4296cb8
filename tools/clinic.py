"""A small clinic on this machine: an archive, the DICOM node with a model, and three synthetic X-rays. `make clinic`.

    python -m tools.clinic WORKSPACE [--port 8042] [--host 127.0.0.1] [--model FOLDER]

The X-rays are stored in the archive, which sends them to the node; the node puts a report and a heat map beside each.
Everything lies in a temporary folder, and Ctrl-C ends and removes it.
"""

import argparse
import contextlib
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydicom.dataset import Dataset
from pynetdicom import AE

from cxr.common.errors import CxrError
from cxr.common.paths import CHAMPION
from tools.ask import free_port
from tools.clinic_phantoms import phantom
from tools.free_port import complaint
from tools.orthanc import Orthanc, Peer, rest, running

ROOT = Path(__file__).resolve().parent.parent
NODE = "CXR_NODE"
# What `cxr node` does, also where the installed `cxr` is of another checkout.
NODE_COMMAND = "import sys; from cxr.node.command import command; sys.exit(command(sys.argv[1:]))"
XRAY_ROOM = "XRAY_ROOM"  # the AE title of an X-ray machine that the archive knows
PHANTOMS = ((1, True), (2, False), (3, True))  # number and whether it shows what the model looks for
READY_WITHIN_S = 120
RESULTS_WITHIN_S = 120
SIZE = 1024  # pixels
LOOKS_EVERY_S = 0.1


@dataclass(frozen=True)
class Clinic:
    """A running archive and node. log: of the node."""

    archive: Orthanc
    node_port: int
    status_port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def metrics(self) -> str:
        return f"http://127.0.0.1:{self.status_port}/metrics"

    def end_of_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-1000:]


def plan(folder: Path, http_port: int, *, remote: bool = False) -> Orthanc:
    """The archive, not started. remote: other machines may look at its pages, with a password that nobody can guess."""
    peers = [Peer(XRAY_ROOM, free_port()), Peer(NODE, free_port())]
    archive = Orthanc(folder / "orthanc", http_port, free_port(), peers=peers, route_to=NODE, remote=remote)
    return replace(archive, password=secrets.token_urlsafe(12)) if remote else archive


def configuration(archive: Orthanc, folder: Path, model: Path, status_port: int) -> dict[str, Any]:
    """node.yaml for this archive, with an engine in the node's own process."""
    node = next(peer for peer in archive.peers if peer.aet == NODE)
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(archive.password, encoding="ascii")
    address = {"url": archive.dicomweb, "user": archive.user, "password_file": str(password)}
    peer = {"ae_title": archive.aet, "addresses": ["127.0.0.1"]}
    return {
        "folder": str(folder / "queue"),
        "ae_title": NODE,
        "ask": {"kind": "engine", "model": str(model)},
        "sources": {"archive": {"kind": "c_store", "port": node.port, "peers": [peer]}},
        "destinations": {"archive": {"kind": "stow", "address": address}},
        "results": {"refusals": True},
        "queue": {"least_free_mb": 64},
        "status": {"port": status_port},
    }


@contextlib.contextmanager
def open_clinic(archive: Orthanc, folder: Path, model: Path, **changes: Any) -> Iterator[Clinic]:
    """Archive and node answer inside the block. changes: sections of node.yaml in place of those above."""
    with running(archive), open_node(archive, folder, model, **changes) as clinic:
        yield clinic


@contextlib.contextmanager
def open_node(archive: Orthanc, folder: Path, model: Path, **changes: Any) -> Iterator[Clinic]:
    """The node alone, in a process of its own, with an archive that may be running or not."""
    status_port = free_port()
    settings = configuration(archive, folder, model, status_port) | changes
    (folder / "node.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "-c", NODE_COMMAND, "--config", str(folder / "node.yaml")]
    log = folder / "node.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    try:
        _await_ready(status_port, process, log)
        yield Clinic(archive, settings["sources"]["archive"]["port"], status_port, log, process)
    finally:
        process.terminate()
        process.wait(60)


def _await_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    latest = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < latest and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        time.sleep(0.05)
    raise CxrError(f"the node did not start: {log.read_text(encoding='utf-8', errors='replace')[-1000:]}")


def send(archive: Orthanc, pictures: Sequence[Dataset]) -> None:
    """By C-STORE, as an X-ray machine does. Raises CxrError where the archive does not take one."""
    entity = AE(XRAY_ROOM)
    for sop_class, syntax in {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in pictures}:
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate("127.0.0.1", archive.dicom_port, ae_title=archive.aet)
    if not association.is_established:
        raise CxrError("the archive takes no connection; its log says why")
    try:
        for one in pictures:
            status = association.send_c_store(one).get("Status")
            if status != 0:
                raise CxrError(f"the archive does not store a picture: status {status}")
    finally:
        association.release()


def series_of(archive: Orthanc, study_uid: str) -> dict[str, str]:
    """Modality to description of the series that the archive has of a study."""
    found = rest(archive, f"/dicom-web/studies/{study_uid}/series?includefield=0008103E")
    return {_text(one, "00080060"): _text(one, "0008103E") for one in found}


def _text(series: dict[str, Any], tag: str) -> str:
    return str((series.get(tag, {}).get("Value") or [""])[0])


def await_results(clinic: Clinic, studies: Sequence[str]) -> None:
    """Until each study has a report. Raises CxrError with the end of the node's log."""
    latest = time.monotonic() + RESULTS_WITHIN_S
    while time.monotonic() < latest:
        if all("SR" in series_of(clinic.archive, study) for study in studies):
            return
        time.sleep(LOOKS_EVERY_S)
    raise CxrError(f"no results came: {clinic.end_of_log()}")


def what_to_look_at(clinic: Clinic, host: str) -> str:
    archive = clinic.archive
    explorer = f"http://{host}:{archive.http_port}/app/explorer.html"
    return f"""
The clinic is open. Nothing here is for clinical use; the X-rays are drawn and show nobody.

  Archive    {explorer}
             user {archive.user}, password {archive.password}
  Look at    "All studies", then a study: beside "Chest PA" stand the report (SR) and the heat map (OT).
  Send more  storescu -aet {XRAY_ROOM} -aec {archive.aet} 127.0.0.1 {archive.dicom_port} your-xray.dcm
  The node   {NODE}, port {clinic.node_port}; {clinic.metrics}
  Files      {clinic.log.parent}: removed at the end

Ctrl-C closes it."""


def main() -> None:
    arguments = _arguments()
    model = arguments.model or arguments.workspace / CHAMPION
    if not model.is_dir():
        sys.exit(f"clinic: {model} is no model; `make demo` makes one, and WORK=folder names another workspace")
    wrong = complaint(arguments.host, str(arguments.port))
    if wrong:
        sys.exit(f"clinic: {wrong}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    try:
        with tempfile.TemporaryDirectory(prefix="cxr-clinic-") as folder:
            _show(arguments, model.resolve(), Path(folder))
    except CxrError as fault:
        sys.exit(f"clinic: {fault}")
    except KeyboardInterrupt:
        sys.stderr.write("clinic: closed\n")


def _show(arguments: argparse.Namespace, model: Path, folder: Path) -> None:
    archive = plan(folder, arguments.port, remote=arguments.host not in ("127.0.0.1", "localhost", "::1"))
    with open_clinic(archive, folder, model) as clinic:
        pictures = [phantom(number, covid=covid, image_size=SIZE) for number, covid in PHANTOMS]
        send(archive, pictures)
        await_results(clinic, [str(one.StudyInstanceUID) for one in pictures])
        sys.stdout.write(what_to_look_at(clinic, arguments.host) + "\n")
        sys.stdout.flush()
        while clinic.process.poll() is None:
            time.sleep(LOOKS_EVERY_S)
        raise CxrError(f"the node stopped: {clinic.end_of_log()}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="whose champion answers, such as demo")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine, for the archive's pages")
    parser.add_argument("--port", type=int, default=8042, help="of the archive's pages")
    parser.add_argument("--model", type=Path, help="folder of another model than the workspace's champion")
    return parser.parse_args()


if __name__ == "__main__":
    main()
