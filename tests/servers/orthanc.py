"""A real Orthanc with DICOMweb, for tests: it is killed in the end, since its own stop takes seconds."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom.dataset import Dataset
from pynetdicom import AE

from tools.ask import free_port
from tools.orthanc import Orthanc, Peer, launch, why_missing

MODALITY = "XRAY_ROOM"  # the AE title of the X-ray machine of the tests
NODE = "CXR_NODE"


def make_orthanc(folder: Path, node_port: int = 0, *, routed: bool = False) -> Orthanc:
    """Not started. It knows an X-ray machine, and the node on `node_port`, to which it sends new X-rays if `routed`."""
    peers = [Peer(MODALITY, free_port()), Peer(NODE, node_port or free_port())]
    return Orthanc(folder, free_port(), free_port(), peers=peers, route_to=NODE if routed else "")


class Started:
    """An archive whose process can be killed and started again."""

    def __init__(self, plan: Orthanc):
        self.plan = plan
        self.start()

    def start(self) -> None:
        self._process = launch(self.plan)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def started(plan: Orthanc) -> Iterator[Started]:
    """Answers inside the block; what a machine without Orthanc runs is skipped, with the reason."""
    skip_without_orthanc()
    archive = Started(plan)
    try:
        yield archive
    finally:
        archive.kill()


def skip_without_orthanc() -> None:
    missing = why_missing()
    if missing:
        pytest.skip(missing)


def web(archive: Orthanc) -> DICOMwebClient:
    session = create_session_from_user_pass(archive.user, archive.password)
    return DICOMwebClient(archive.dicomweb, session=session)


def store(archive: Orthanc, *pictures: Dataset) -> None:
    """By C-STORE, as the X-ray machine does."""
    entity = AE(MODALITY)
    for sop_class, syntax in {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in pictures}:
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate("127.0.0.1", archive.dicom_port, ae_title=archive.aet)
    assert association.is_established
    try:
        for one in pictures:
            assert association.send_c_store(one).Status == 0
    finally:
        association.release()
