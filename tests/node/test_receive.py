"""Objects come in over the DICOM network, from dcmtk's own programs."""

import subprocess
import tempfile
from pathlib import Path

import pytest
from pydicom.uid import JPEGLosslessSV1, RLELossless

from cxr.node.values import TlsSettings
from tests.node.made import saved, xray
from tests.node.peers import NODE, SENDER, Archive, Running, certificates, dcmtk, free_port, running, store, wait_for

NO_TLS = TlsSettings()


def echo(port: int, *options: str, title: str = SENDER, called: str = NODE) -> int:
    command = [dcmtk("echoscu"), "-aet", title, "-aec", called, *options, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode


def test_who_is_on_the_list_is_answered_and_nobody_else(tmp_path: Path) -> None:
    peers = "[{ae_title: SENDER}, {ae_title: FAR, addresses: [10.1.0.0/16, '192.168.7.7']}]"
    with running(tmp_path, sources=f"{{modalities: {{kind: c_store, port: PORT, peers: {peers}}}}}") as node:
        assert echo(node.port) == 0
        assert echo(node.port, title="STRANGER") != 0
        assert echo(node.port, title="FAR") != 0  # the right title from another address
        assert echo(node.port, called="ANOTHER") != 0
        assert store(node.port, [saved(xray(1), tmp_path)], title="STRANGER") != 0
        assert node.states() == []


def test_what_is_sent_is_asked_about_and_its_results_reach_the_archive(tmp_path: Path) -> None:
    archive = Archive(free_port())
    files = [saved(xray(number), tmp_path) for number in range(6)]
    temporary = tempfile.gettempdir()
    with archive.up(), running(tmp_path, archive.port) as node:
        assert store(node.port, files) == 0
        wait_for(lambda: len(archive.got) == 6, "six results")
        wait_for(lambda: node.states() == ["done"] * 6, "all done")
    assert {str(one.ImageComments) for one in archive.got} == {file.stem for file in files}
    assert tempfile.gettempdir() == temporary  # objects came through the queue's folder; nothing else goes there


def test_the_same_object_twice_makes_one_result(tmp_path: Path) -> None:
    archive = Archive(free_port())
    file = saved(xray(1), tmp_path)
    with archive.up(), running(tmp_path, archive.port) as node:
        assert store(node.port, [file]) == 0
        assert store(node.port, [file]) == 0
        wait_for(lambda: node.states() == ["done"], "done")
        assert store(node.port, [file]) == 0
        assert node.states() == ["done"]
        assert node.asker.asked == 1
    assert len(archive.got) == 1


def test_another_object_with_a_known_uid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = xray(2, SOPInstanceUID=xray(1).SOPInstanceUID)
    with running(tmp_path) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        assert store(node.port, [saved(other, tmp_path / "other")]) != 0
        assert len(node.states()) == 1
        assert len(list((node.folder / "objects").iterdir())) == 1
        assert list((node.folder / "incoming").iterdir()) == []


def test_a_full_queue_refuses_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    archive = Archive(free_port())
    files = [saved(xray(number), tmp_path) for number in range(3)]
    with running(tmp_path, archive.port, queue="{most_objects: 2, least_free_mb: 0}") as node:
        assert store(node.port, files[:2]) == 0
        assert store(node.port, files[2:]) != 0
        assert len(node.states()) == 2
        with archive.up():
            wait_for(lambda: node.states() == ["done"] * 2, "room")
            assert store(node.port, files[2:]) == 0
            wait_for(lambda: node.states() == ["done"] * 3, "done")


def test_a_full_disk_refuses(tmp_path: Path) -> None:
    with running(tmp_path, queue="{least_free_mb: 100000000}") as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) != 0
        assert node.states() == []


def test_an_object_that_is_too_large_is_broken_off(tmp_path: Path) -> None:
    peers = "most_mb: 1, peers: [{ae_title: SENDER}]"
    large = xray(1, Rows=1600, Columns=1600, PixelData=bytes(1600 * 1600))
    with running(tmp_path, sources=f"{{modalities: {{kind: c_store, port: PORT, {peers}}}}}") as node:
        assert store(node.port, [saved(large, tmp_path)]) != 0
        assert store(node.port, [saved(xray(2), tmp_path)]) == 0
        assert node.state_of(str(large.SOPInstanceUID)) == ""
        wait_for(lambda: not list((node.folder / "incoming").iterdir()), "nothing left of it", seconds=10)


@pytest.mark.parametrize(("option", "syntax"), [("-xs", JPEGLosslessSV1), ("-xr", RLELossless)])
def test_compressed_objects_are_kept_as_they_came(option: str, syntax: str, tmp_path: Path) -> None:
    packed = tmp_path / "packed.dcm"
    program = "dcmcjpeg" if syntax == JPEGLosslessSV1 else "dcmcrle"
    subprocess.run([dcmtk(program), str(saved(xray(1), tmp_path)), str(packed)], check=True, capture_output=True)
    with running(tmp_path) as node:
        assert store(node.port, [packed], option) == 0
        wait_for(lambda: node.states() == ["answered"], "answered")
        assert syntax.encode() in next((node.folder / "objects").iterdir()).read_bytes()[:400]


def test_tls_wants_a_client_certificate_where_it_is_asked(tmp_path: Path) -> None:
    certificates(tmp_path)
    files = f"certificate: {tmp_path}/one.pem, key: {tmp_path}/one.key, authorities: {tmp_path}/ca.pem"
    sources = f"{{modalities: {{kind: c_store, port: PORT, tls: {{{files}}}, peers: [{{ae_title: SENDER}}]}}}}"
    with running(tmp_path, sources=sources) as node:
        trusted = ("+cf", f"{tmp_path}/ca.pem")
        assert echo(node.port, "+tls", f"{tmp_path}/one.key", f"{tmp_path}/one.pem", *trusted) == 0
        assert echo(node.port, "+tla", *trusted) != 0  # TLS without a certificate of its own
        assert echo(node.port) != 0


def committed(node: Running, port: int, uids: list[str], tls: TlsSettings = NO_TLS) -> list[tuple[int, list[str]]]:
    """Ask for storage commitment and wait for the report: its event type, and the UIDs that it says are there."""
    from pydicom.dataset import Dataset
    from pynetdicom import AE, evt

    reports: list[tuple[int, list[str]]] = []

    def told(event: evt.Event) -> tuple[int, None]:
        there = event.event_information.get("ReferencedSOPSequence", [])
        reports.append((event.event_type, [str(one.ReferencedSOPInstanceUID) for one in there]))
        return 0x0000, None

    entity = AE(ae_title=SENDER)
    entity.add_supported_context("1.2.840.10008.1.20.1", scu_role=True, scp_role=True)
    entity.add_requested_context("1.2.840.10008.1.20.1")
    told_to = [(evt.EVT_N_EVENT_REPORT, told)]
    entity.start_server(("127.0.0.1", port), block=False, evt_handlers=told_to, ssl_context=tls.listening())
    try:
        request = Dataset()
        request.TransactionUID = "2.25.4711"
        request.ReferencedSOPSequence = []
        for uid in uids:
            item = Dataset()
            item.ReferencedSOPClassUID = xray().SOPClassUID
            item.ReferencedSOPInstanceUID = uid
            request.ReferencedSOPSequence.append(item)
        calling = tls.calling()
        secured = (calling, "127.0.0.1") if calling else None
        association = entity.associate("127.0.0.1", node.port, ae_title=NODE, tls_args=secured)
        status, _ = association.send_n_action(request, 1, "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1")
        association.release()
        assert status.Status == 0x0000
        wait_for(lambda: reports, "a report")
    finally:
        entity.shutdown()
    return reports


def test_storage_commitment_says_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    port = free_port()
    peer = f"{{ae_title: SENDER, host: 127.0.0.1, port: {port}}}"
    sources = f"{{modalities: {{kind: c_store, port: PORT, commitment: true, peers: [{peer}]}}}}"
    here, elsewhere = xray(1), xray(2)
    with running(tmp_path, sources=sources) as node:
        assert store(node.port, [saved(here, tmp_path)]) == 0
        uids = [str(here.SOPInstanceUID), str(elsewhere.SOPInstanceUID)]
        assert committed(node, port, uids[:1]) == [(1, uids[:1])]
        assert committed(node, port, uids) == [(2, uids[:1])]


def test_with_tls_the_report_of_commitment_goes_encrypted_too(tmp_path: Path) -> None:
    certificates(tmp_path)
    tls = TlsSettings(*(f"{tmp_path}/{file}" for file in ("one.pem", "one.key", "ca.pem")))
    files = f"{{certificate: {tls.certificate}, key: {tls.key}, authorities: {tls.authorities}}}"
    port = free_port()
    peer = f"{{ae_title: SENDER, host: 127.0.0.1, port: {port}}}"
    sources = f"{{modalities: {{kind: c_store, port: PORT, commitment: true, tls: {files}, peers: [{peer}]}}}}"
    uid = str(xray(1).SOPInstanceUID)
    with running(tmp_path, sources=sources) as node:
        assert committed(node, port, [uid], tls) == [(2, [])]
