"""An archive that takes some classes of objects, or none of them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cxr.node.deliver_dicom import CStoreDestination
from cxr.node.parts import RejectedError
from tests.node import peers
from tests.node.made import CR, xray
from tests.node.peers import ARCHIVE, SC, Archive, free_port

REPORT = xray(1, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.34")
HEAT_MAP = xray(2, SOPClassUID=SC)


@pytest.mark.parametrize(
    ("classes", "arrives", "said"),
    [
        ((SC,), [HEAT_MAP.SOPInstanceUID], "does not take objects of class Comprehensive 3D SR Storage"),
        ((CR,), [], "takes objects of none of the classes Comprehensive 3D SR Storage, Secondary Capture"),
    ],
)
def test_what_is_not_refused_arrives(
    classes: tuple[str, ...], arrives: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "RESULT_CLASSES", classes)
    archive = Archive(free_port())
    settings = CStoreDestination(kind="c_store", ae_title=ARCHIVE, host="127.0.0.1", port=archive.port)
    destination = settings.open("pacs", SimpleNamespace(ae_title="CXR_NODE"))
    with archive.up():
        with pytest.raises(RejectedError, match=f"pacs {said}"):
            destination.send([REPORT, HEAT_MAP])
        destination.close()
    assert archive.uids == arrives
