"""Values that several sections of node.yaml have."""

import ipaddress
import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.node.receipt import NodeError


def _ae_title(title: str) -> str:
    if not 1 <= len(title.strip()) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        raise ValueError(f"{title!r} is no AE title; take 1 to 16 printable ASCII characters without a backslash")
    return title.strip()


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address; write 10.1.2.3 or 10.1.2.0/24") from None
    return text


AeTitle = Annotated[str, AfterValidator(_ae_title)]
Network = Annotated[str, AfterValidator(_network)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


@dataclass(frozen=True, config=STRICT)
class TlsSettings:
    """Files in PEM. certificate, key: of this node. authorities: whom the other side's certificate must come from; for
    one that listens, a client certificate is wanted where it is set. All empty: no TLS."""

    certificate: str = ""
    key: str = ""
    authorities: str = ""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together; name both files")

    @property
    def wanted(self) -> bool:
        return bool(self.certificate or self.authorities)

    def listening(self) -> ssl.SSLContext | None:
        """For a side that listens; None without TLS. Raises NodeError."""
        if not self.wanted:
            return None
        if not self.certificate:
            raise NodeError("tls: a side that listens needs certificate and key; name both files")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load(context)
        if self.authorities:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def calling(self) -> ssl.SSLContext | None:
        """For a side that calls; None without TLS. Raises NodeError."""
        if not self.wanted:
            return None
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
            if self.authorities:
                context.load_verify_locations(self.authorities)
        except (OSError, ssl.SSLError) as fault:
            named = [name for name in (self.certificate, self.key, self.authorities) if name]
            missing = next((name for name in named if not Path(name).is_file()), "")
            what = f"{missing} is not there" if missing else f"{', '.join(named)}: {fault.strerror or fault}"
            raise NodeError(f"tls: {what}; name files in PEM that belong together") from None
