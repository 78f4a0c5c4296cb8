"""Who answers for a site profile: an Ed25519 signature over its canonical JSON.

Keys are those that `openssl genpkey -algorithm ed25519` writes. The package `cryptography` is imported only here and
only where something is signed or checked: the command line runs without it.
"""

import base64
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from cxr.inference.profile_fields import ProfileError
from cxr.inference.site_profile import Signature, SiteProfile, canonical, read_profile

PUBLIC_KEY = "[0-9a-f]{64}"
NO_PACKAGE = "signatures need the package cryptography; install covid-cxr[serve] or covid-cxr[clinic]"


def public_keys(text: str) -> tuple[str, ...]:
    """Of a text with commas between them. Raises ValueError that says what is allowed."""
    keys = tuple(part.strip() for part in text.split(","))
    if not all(re.fullmatch(PUBLIC_KEY, key) for key in keys):
        raise ValueError("Ed25519 public keys of 64 hexadecimal digits, separated by commas")
    return keys


def verified_profile(path: Path, accepted: Collection[str]) -> SiteProfile:
    """The profile in a file, as `check_signature` lets it pass. Raises ProfileError."""
    profile = read_profile(path)
    check_signature(profile, accepted, str(path))
    return profile


def signed(profile: SiteProfile, private_key: bytes) -> SiteProfile:
    """private_key: an Ed25519 key in PEM, without a password. Raises ProfileError where it is none."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ProfileError(NO_PACKAGE) from None
    try:
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise ProfileError(f"the private key cannot be read ({str(fault)[:200]}); {_MAKE_ONE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ProfileError(f"the private key is no Ed25519 key; {_MAKE_ONE}")
    value = base64.b64encode(key.sign(canonical(profile))).decode()
    return replace(profile, signature=Signature(key.public_key().public_bytes_raw().hex(), value))


_MAKE_ONE = "make one by `openssl genpkey -algorithm ed25519`"


def check_signature(profile: SiteProfile, accepted: Collection[str], where: str) -> None:
    """accepted: public keys of 64 hexadecimal digits, of which one must have signed; none: an unsigned profile will do,
    but not one whose signature is another's. where: the file, for the sentence. Raises ProfileError."""
    signature = profile.signature
    if signature is None:
        if accepted:
            raise ProfileError(f"{where} is not signed; sign it with the key of one of {', '.join(accepted)}")
        return
    if accepted and signature.key not in accepted:
        raise ProfileError(
            f"{where} is signed by {signature.key}; accepted are {', '.join(accepted)}; sign it with the key of one"
        )
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ProfileError(NO_PACKAGE) from None
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.key))
        key.verify(base64.b64decode(signature.value), canonical(profile))
    except (InvalidSignature, ValueError):
        raise ProfileError(
            f"{where} was changed after it was signed: the signature is not of these values; sign it again"
        ) from None
