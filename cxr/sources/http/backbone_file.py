"""Brings the file of an exported backbone from its address; a path needs nothing."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from cxr.common.errors import ModelError, SourceError
from cxr.networks.exported import backbone_files, sha256_of_backbone
from cxr.networks.registry import Backbone
from cxr.networks.settings import ExportedBackbone
from cxr.sources.http.transfer import MIRROR_HINT, Download, Patience, download, url_opener


def fetched_backbone(
    backbone: Backbone, entry: ExportedBackbone, folder: Path, patience: Patience | None = None
) -> ExportedBackbone:
    """The entry with a path in place of an address. A file that came before is not downloaded again.

    folder: keeps what came, under its SHA-256. Raises ModelError where there is no connection, or where another file
    came than the SHA-256 names.
    """
    if not entry.is_address:
        return entry
    file = folder / f"{entry.sha256}{entry.suffix}"
    for part in backbone_files(file):
        _download(backbone, _address_of(entry, part.suffix), part, patience or Patience())
    found = sha256_of_backbone(file)
    if found != entry.sha256:
        for part in backbone_files(file):
            part.unlink()
        raise ModelError(
            f"features.exported.{backbone}: {entry.file} has the SHA-256 {found}, params.yaml says {entry.sha256}; "
            "what came was deleted, so correct the address, or the SHA-256 if you trust that file"
        )
    return replace(entry, file=str(file))


def _address_of(entry: ExportedBackbone, suffix: str) -> str:
    """The same address with another ending: OpenVINO's .bin lies beside its .xml."""
    address = urlsplit(entry.file)
    return address._replace(path=address.path.removesuffix(entry.suffix) + suffix).geturl()


def _download(backbone: Backbone, url: str, target: Path, patience: Patience) -> None:
    job = Download(url_opener(url, patience), f"features.exported.{backbone}: {url}", patience)
    try:
        download(job, target)
    except SourceError as fault:
        # A backbone has no origin: its entry names a path instead.
        raise ModelError(str(fault).replace(MIRROR_HINT, "or download it by hand and name its path there")) from None
