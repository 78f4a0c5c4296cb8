"""The file of an exported backbone comes from an address, and only the one that the SHA-256 names."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cxr.common.errors import ModelError
from cxr.networks.exported import write_exported_trunk
from cxr.networks.settings import ExportedBackbone
from cxr.sources.http.backbone_file import fetched_backbone
from cxr.sources.http.transfer import Patience
from tests.toy_backbone import SIZE, write_onnx, write_openvino

HURRIED = Patience(connect_timeout_s=5, read_timeout_s=5, attempts=1, backoff_s=0)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which it is served."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def addressed(entry: ExportedBackbone, address: str) -> ExportedBackbone:
    return replace(entry, file=f"{address}/{Path(entry.file).name}")


@pytest.mark.parametrize("write", [write_onnx, write_openvino])
def test_what_is_at_the_address_becomes_a_trunk_and_is_not_fetched_twice(
    write, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = served
    entry = addressed(write(folder), address + "/.")
    here = fetched_backbone("toy", entry, tmp_path / "kept", HURRIED)
    assert Path(here.file).parent == tmp_path / "kept"
    assert len(write_exported_trunk("toy", here, SIZE, tmp_path)) == 4
    for path in folder.iterdir():
        path.unlink()
    assert fetched_backbone("toy", entry, tmp_path / "kept", HURRIED) == here


def test_another_file_than_the_hash_names_is_deleted(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    entry = replace(addressed(write_onnx(folder), address), sha256="0" * 64)
    with pytest.raises(ModelError, match=r"features\.exported\.toy: .* has the SHA-256 [0-9a-f]{64}, params"):
        fetched_backbone("toy", entry, tmp_path / "kept", HURRIED)
    assert not [path for path in (tmp_path / "kept").iterdir() if path.suffix == ".onnx"]


def test_no_network_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    entry = addressed(write_onnx(tmp_path), "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(ModelError, match=r"features\.exported\.toy: .*or download it by hand and name") as caught:
        fetched_backbone("toy", entry, tmp_path / "kept", HURRIED)
    assert "\n" not in str(caught.value)
    assert "origin" not in str(caught.value)


def test_a_path_needs_no_network(tmp_path: Path) -> None:
    entry = write_onnx(tmp_path)
    assert fetched_backbone("toy", entry, tmp_path / "kept") is entry
