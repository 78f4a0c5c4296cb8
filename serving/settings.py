"""The settings of the service: environment variables, read once. A test compares the table in docs/serving.md."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast
from urllib.parse import urlsplit

from cxr.common.errors import CxrError
from cxr.imaging.decode import MAX_PIXELS
from cxr.inference.precision import FASTEST_FIRST, Chosen
from cxr.inference.site_signature import public_keys
from cxr.watch.codings import plain
from cxr.watch.store import MOST_DEVICES
from serving.cores import cores

MIB = 2**20


class SettingsError(CxrError):
    """An environment variable has a value that is not allowed."""


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _text(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("printable characters")
    return text


def _ascii(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError("printable ASCII characters")
    return text


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    if any(origin != "*" and not _is_origin(origin) for origin in origins):
        raise ValueError("origins such as https://clinic.example:8443, separated by commas, or *")
    return origins


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


def _devices(text: str) -> tuple[str, ...]:
    devices = tuple(plain(part) for part in text.split(";") if part.strip())
    if not text.isprintable() or len(devices) > MOST_DEVICES - 2 or any(len(name) > 64 for name in devices):
        raise ValueError(f"at most {MOST_DEVICES - 2} names of 64 characters, such as Acme XR 1; Other DX 2")
    return devices


def _precision(text: str) -> Chosen:
    if text not in ("auto", *FASTEST_FIRST):
        raise ValueError(f"auto or one of {', '.join(FASTEST_FIRST)}")
    return cast(Chosen, text)


def _setting(variable: str, default: Any, read: Callable[[str], Any], what: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"variable": variable, "read": read, "what": what})


@dataclass(frozen=True)
class Settings:
    """One field per environment variable. The metadata has its name, its reader and its purpose."""

    model: str = _setting(
        "CXR_MODEL", "covid-cxr:champion", _text, "tag of the model in the BentoML store; name:champion follows"
    )
    follow_s: int = _setting("CXR_FOLLOW_S", 10, _number(0, 86_400), "seconds between looks for a newer model; 0: none")
    api_key: str = _setting("CXR_API_KEY", "", _ascii, "key that X-API-Key must carry; unset: no key", secret=True)
    keys_file: str = _setting("CXR_KEYS", "", _text, "file of further keys, a line name:key each; unset: none")
    key_rate: int = _setting(
        "CXR_KEY_RATE", 0, _number(0, 1_000_000), "requests a minute of each key per worker, then 429; 0: no limit"
    )
    key_for_operators: int = _setting(
        "CXR_KEY_FOR_OPERATORS", 0, _number(0, 1), "1: /metrics, /docs.json and /schema.json want the key as well"
    )
    cors_origins: tuple[str, ...] = _setting(
        "CXR_CORS_ORIGINS", (), _origins, "origins whose pages may call, separated by commas; * for all; unset: none"
    )
    max_bytes: int = _setting("CXR_MAX_BYTES", 40 * MIB, _number(1024, 512 * MIB), "bytes of one picture's file")
    max_pixels: int = _setting("CXR_MAX_PIXELS", MAX_PIXELS, _number(1, 400_000_000), "pixels of one picture")
    max_batch: int = _setting("CXR_MAX_BATCH", 16, _number(1, 256), "pictures of one POST /predict/batch")
    body_timeout_s: int = _setting(
        "CXR_BODY_TIMEOUT_S", 60, _number(1, 3600), "seconds that sending a request may take"
    )
    body_rate: int = _setting(
        "CXR_BODY_RATE", 1024, _number(0, 100 * MIB), "bytes a second that a request must bring at least, over 5 s"
    )
    header_timeout_s: int = _setting(
        "CXR_HEADER_TIMEOUT_S", 10, _number(1, 3600), "seconds that the headers of a request may take"
    )
    max_connections: int = _setting(
        "CXR_MAX_CONNECTIONS", 256, _number(1, 65_536), "connections at once per worker, then 503"
    )
    workers: int = _setting("CXR_WORKERS", 0, _number(0, 256), "processes; 0: one for every 4 cores")
    precision: Chosen = _setting(  # noqa: RUF009 - ruff knows Literal by no other name
        "CXR_PRECISION",
        "auto",
        _precision,
        "of the trunk: f32, bf16 or int8; auto: the fastest that was measured to hold",
    )
    site: str = _setting("CXR_SITE", "", _text, "file of the site profile that commissioning wrote; unset: none")
    site_keys: tuple[str, ...] = _setting(
        "CXR_SITE_KEYS",
        (),
        public_keys,
        "public keys of which one must have signed it, separated by commas; unset: any",
    )
    max_requests: int = _setting("CXR_MAX_REQUESTS", 16, _number(1, 4096), "requests at once per worker, then 503")
    watch: str = _setting("CXR_WATCH", "", _text, "file in which answers are counted for `cxr watch`; unset: none")
    watch_devices: tuple[str, ...] = _setting(
        "CXR_WATCH_DEVICES",
        (),
        _devices,
        "manufacturer and model of DICOM devices to count by, separated by semicolons",
    )
    feedback: str = _setting(
        "CXR_FEEDBACK", "", _text, "file of answers' ids, to which `POST /feedback` brings outcomes; unset: no ids"
    )

    @property
    def wants_key(self) -> bool:
        return bool(self.api_key or self.keys_file)

    @property
    def max_body(self) -> int:
        """Bytes of a request: the largest picture as Base64, with the escapes and line breaks that clients add."""
        return self.max_bytes * 4 // 3 * 11 // 10 + 64 * 1024

    @property
    def max_json_marks(self) -> int:
        """Commas, and colons, and opening brackets of a JSON request, each: two for every picture, and some to spare
        for requests whose error should name a field."""
        return 4 * self.max_batch + 192

    @property
    def held_bytes(self) -> int:
        """Bytes of all requests that a worker holds at once."""
        return 3 * self.max_body

    @property
    def processes(self) -> int:
        """Worker processes: as set, else one for every 4 cores."""
        return self.workers or max(1, cores() // 4)

    @property
    def cores_wanted(self) -> int:
        """Cores that a deployment should ask for: 4 for each worker; without CXR_WORKERS, those of one."""
        return 4 * (self.workers or 1)

    @property
    def memory_wanted_gib(self) -> int:
        """Memory that a deployment should ask for: docs/serving.md, Sizing."""
        return 2 * (self.workers or 1)

    @property
    def requests_wanted(self) -> int:
        """Requests at once from which on another replica helps: half of what is answered, before any is turned away."""
        return max(1, self.max_requests // 2) * (self.workers or 1)

    @property
    def pictures_at_once(self) -> int:
        """Pictures that a process works on at once: while the engine computes one, the next is decoded."""
        return max(2, self.engine_threads)

    @property
    def engine_threads(self) -> int:
        """Threads of each process, so that all processes together use all cores."""
        return max(1, cores() // self.processes)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises SettingsError that names the variable, what came and what is allowed. An empty one counts as unset."""
    values = {}
    for setting in fields(Settings):
        text = environment.get(setting.metadata["variable"], "")
        if text:
            values[setting.name] = _read(setting.metadata, text, secret=not setting.repr)
    return Settings(**values)


def _read(metadata: Mapping[str, Any], text: str, *, secret: bool) -> Any:
    try:
        return metadata["read"](text)
    except ValueError as fault:
        shown = "a value that is not shown" if secret else repr(text)
        raise SettingsError(f"{metadata['variable']} is {shown}; it takes {fault}") from None
