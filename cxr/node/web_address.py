"""Web connections of the node, to addresses of its configuration alone: TLS is verified, redirects are not followed,
and no proxy or password of the environment is used."""

import logging
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.node.parts import RejectedError, UnreachableError, text_of_file
from cxr.node.values import Seconds, TlsSettings

# Statuses that are about what was sent. Any other, such as 401 or 404, is about the address or its state: it is worth
# another try after somebody has mended it.
ABOUT_WHAT_WAS_SENT = (400, 406, 409, 410, 413, 415, 422)


@dataclass(frozen=True, config=STRICT)
class WebAddress:
    """Where a web service is, and what is shown to it.

    url: https, or http to this machine. allow_http: http to another machine too, where the network is trusted.
    token_file: its text goes as a bearer token. user, password_file: HTTP Basic instead. tls: authorities other than
    this system's, and a certificate of this node.
    """

    url: str
    allow_http: bool = False
    token_file: str = ""
    user: str = ""
    password_file: str = ""
    tls: TlsSettings = TlsSettings()
    timeout_s: Seconds = 20.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{self.url!r} is no address; write https://host/path")
        if parts.username or parts.password:
            raise ValueError("an address holds no password; use user and password_file")
        if parts.scheme == "http" and not self.allow_http and not is_this_machine(parts.hostname):
            raise ValueError(f"{self.url!r} is not encrypted; use https, or set allow_http if the network is trusted")
        if bool(self.user) != bool(self.password_file):
            raise ValueError("user and password_file belong together")

    def open_session(self) -> requests.Session:
        """A session for this address alone. Raises NodeError where a file of it cannot be read."""
        logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL + 1)  # it writes the UIDs of studies
        self.tls.calling()  # says in one sentence what is wrong with a file
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        session.verify = self.tls.authorities or True
        if self.tls.certificate:
            session.cert = (self.tls.certificate, self.tls.key)
        if self.token_file:
            session.headers["Authorization"] = f"Bearer {text_of_file(self.token_file, self.url)}"
        elif self.user:
            session.auth = (self.user, text_of_file(self.password_file, self.url))
        return session


def is_this_machine(host: str) -> bool:
    """Whether a host name or address is of the loopback interface."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unreachable(name: str, fault: requests.RequestException) -> UnreachableError:
    """What a failed connection means, without the address' path, which may name a study."""
    return UnreachableError(f"{name}: no answer ({type(fault).__name__})")


def check_status(name: str, status: int) -> None:
    """Raises RejectedError or UnreachableError for an HTTP status that is no success."""
    if status in ABOUT_WHAT_WAS_SENT:
        raise RejectedError(f"{name}: answered {status}")
    if not 200 <= status < 300:
        raise UnreachableError(f"{name}: answered {status}; look at its address and at what is shown to it")
