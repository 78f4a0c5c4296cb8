"""A signature holds for these values and this key alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cxr.inference.site_profile import ProfileError, read_profile, write_profile
from cxr.inference.site_signature import check_signature, signed
from tests.site_profiles import profile


def pem(key: Ed25519PrivateKey | X25519PrivateKey | None = None) -> bytes:
    key = key or Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_signature_survives_the_file_and_names_its_key(tmp_path: Path) -> None:
    whole = signed(profile(calibration={"scale": 1, "offset": -2.5e-17}), pem())  # numbers as a person types them
    write_profile(whole, tmp_path / "profile.json")
    again = read_profile(tmp_path / "profile.json")
    assert again.signature is not None
    check_signature(again, [again.signature.key], "profile.json")
    check_signature(again, [], "profile.json")


@pytest.mark.parametrize("accepted", [[], ["own"]], ids=["no keys", "its key"])
def test_a_changed_value_is_noticed(accepted: list[str]) -> None:
    whole = signed(profile(), pem())
    assert whole.signature is not None
    keys = [whole.signature.key for _ in accepted]
    for changed in (replace(whole, threshold=0.44), replace(whole, site="Elsewhere")):
        with pytest.raises(ProfileError, match="changed after it was signed"):
            check_signature(changed, keys, "profile.json")


def test_where_keys_are_given_nobody_else_may_sign() -> None:
    other = "00" * 32
    with pytest.raises(ProfileError, match="is not signed"):
        check_signature(profile(), [other], "profile.json")
    with pytest.raises(ProfileError, match="is signed by"):
        check_signature(signed(profile(), pem()), [other], "profile.json")
    check_signature(profile(), [], "profile.json")


def test_a_key_that_is_no_point_is_no_signature() -> None:
    key = "ff" * 32
    forged = profile(signature={"key": key, "value": "A" * 86 + "=="})
    with pytest.raises(ProfileError, match="the signature is not of these values"):
        check_signature(forged, [key], "profile.json")


@pytest.mark.parametrize("key", [b"", b"-----BEGIN", pem(X25519PrivateKey.generate())], ids=["none", "cut", "other"])
def test_what_is_no_private_key_is_said(key: bytes) -> None:
    with pytest.raises(ProfileError, match="openssl genpkey"):
        signed(profile(), key)
