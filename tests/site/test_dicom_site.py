"""A site's DICOM export, with labels by accession number: no name and no number of a header is written."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cxr.inference.site_profile import read_profile
from cxr.inference.site_signature import check_signature
from cxr.site.command import command
from cxr.site.labelled import labelled
from tests.node.made import SECRET, saved, xray
from tests.tiny import complete_tiny_bundle


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight pictures of four patients, and the table of labels. The project is elsewhere."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    folder = tmp_path / "export"
    folder.mkdir()
    lines = ["accession,label"]
    for number in range(8):
        header = {"PatientID": f"PID-{number // 2}", "AccessionNumber": f"ACC-{number}", "PatientAge": "061Y"}
        saved(xray(number, **header), folder)
        lines.append(f"ACC-{number},{('negative', 'positive')[number // 2 % 2]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_patients_and_facts_come_from_the_headers(export: Path) -> None:
    with labelled(export / "labels.csv", "") as site:
        assert [len(site.rows), len({row.patient for row in site.rows})] == [8, 4]
        assert {(row.sex, row.age, row.view) for row in site.rows} == {("F", "61", "PA")}
        assert site.root.is_dir()
    assert not site.root.exists()


def test_nothing_that_is_written_names_anybody_and_the_key_signs_it(export: Path, tmp_path: Path) -> None:
    model = complete_tiny_bundle(tmp_path / "model")
    key = Ed25519PrivateKey.generate()
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    asked = ["commission", str(export / "labels.csv"), "--name", "St. Example", "--model", str(model)]
    command([*asked, "--out", str(tmp_path / "out"), "--key", str(pem)])
    profile = read_profile(tmp_path / "out/profile.json")
    check_signature(profile, [key.public_key().public_bytes_raw().hex()], "profile.json")
    written = b"".join(file.read_bytes() for file in (tmp_path / "out").iterdir())
    assert not [word for word in (SECRET, "PID-", "ACC-", "19500101", "20261101") if word.encode() in written]
