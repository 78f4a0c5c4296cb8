"""`cxr predict --site`: answers by a site profile, or one sentence why not."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cxr.inference.manifest import digest_of
from cxr.inference.site_profile import read_profile, write_profile
from cxr.inference.site_signature import signed
from tests.cli.command import cxr, only_sentence, table
from tests.site_profiles import SHA256, profile


def written(folder: Path, sha256: str, **changes: object) -> Path:
    model = {"name": "covid-cxr", "version": "1", "sha256": sha256}
    write_profile(profile(model=model, **changes), folder / "profile.json")
    return folder / "profile.json"


def test_rows_have_the_sites_numbers(folder: Path, bundle: Path, tmp_path: Path) -> None:
    site = written(tmp_path, digest_of(bundle), calibration={"scale": 0.001, "offset": 9}, threshold=0.2)
    for out, options in (("with.csv", ["--site", site]), ("without.csv", [])):
        assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / out, *options) == 0
    for row in table(tmp_path / "with.csv"):
        assert (row["site"], row["triage"], row["threshold"], row["state"]) == ("St. Example", "likely", "0.2", "COVID")
        assert float(row["probability_covid"]) > 0.99
        assert "not_commissioned" not in row["warnings"]
    for row in table(tmp_path / "without.csv"):
        assert (row["site"], row["triage"]) == ("", "")
        assert "not_commissioned" in row["warnings"]


def test_a_signature_is_asked_for_where_keys_are_given(
    folder: Path, bundle: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = written(tmp_path, digest_of(bundle))
    private = Ed25519PrivateKey.generate()
    key = private.public_key().public_bytes_raw().hex()
    asked = ("predict", folder, "--model", bundle, "--site", site)
    assert cxr(*asked, "--site-keys", key) == 2
    assert "is not signed" in only_sentence(capsys)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_profile(signed(read_profile(site), pem), site)
    monkeypatch.setenv("CXR_SITE_KEYS", "00" * 32)
    assert cxr(*asked) == 2
    assert "is signed by" in only_sentence(capsys)
    monkeypatch.setenv("CXR_SITE_KEYS", "no key")
    assert cxr(*asked) == 2
    assert "CXR_SITE_KEYS is 'no key'; it takes Ed25519 public keys" in only_sentence(capsys)
    assert cxr(*asked, "--site-keys", key, "--out", tmp_path / "table.csv") == 0  # the option goes before the variable
    assert cxr("predict", folder, "--model", bundle, "--site-keys", key) == 2
    capsys.readouterr()


REFUSED = {"verdict": "not_for_use", "reasons": ["The AUC is 0.42."]}


@pytest.mark.parametrize(
    ("own", "changes", "words"),
    [(False, {}, "is another model"), (True, REFUSED, "not for use at this site")],
)
def test_what_must_not_be_used_is_one_sentence(
    folder: Path, bundle: Path, tmp_path: Path, capsys, own: bool, changes: dict, words: str
) -> None:
    site = written(tmp_path, digest_of(bundle) if own else SHA256, **changes)
    assert cxr("predict", folder, "--model", bundle, "--site", site) == 2
    assert words in only_sentence(capsys)
