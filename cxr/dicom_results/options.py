"""What a site decides about the objects that are made."""

import re
from dataclasses import dataclass

from cxr.common.errors import ResultError

UUID_ROOT = "2.25"  # UIDs made of a UUID; nobody need be asked for it (PS3.5, B.2)
MOST_OF_ROOT = 40  # characters, so that 23 digits are left for what is hashed
_ROOT = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_MOST_OF_TEXT = 64  # characters of DICOM's LO


@dataclass(frozen=True)
class ResultOptions:
    """uid_root: under which the site may give UIDs. heatmap: as a secondary capture, where the answer has one.

    presentation_state: also the strongest places of the heat map as outlines over the source image. refusals: make a
    report about a refused picture too. series_number: of the report; the next two are those of the pictures.
    longest_side: pixels of the secondary capture, without its bands of text. The texts go into the equipment module.
    """

    uid_root: str = UUID_ROOT
    heatmap: bool = True
    presentation_state: bool = False
    refusals: bool = False
    manufacturer: str = "covid-cxr"
    device_name: str = "covid-cxr"
    device_serial: str = "1"
    institution: str = ""
    series_number: int = 9900
    longest_side: int = 1024

    def __post_init__(self) -> None:
        if not _ROOT.fullmatch(self.uid_root) or len(self.uid_root) > MOST_OF_ROOT:
            raise ResultError(
                f"uid_root is {self.uid_root!r}; it must be numbers with dots between, of at most {MOST_OF_ROOT} "
                f"characters, such as {UUID_ROOT} or the root that your site was given"
            )
        for name in ("manufacturer", "device_name", "device_serial"):
            _check_text(name, getattr(self, name), least=1)
        _check_text("institution", self.institution, least=0)
        if self.series_number < 1 or self.longest_side < 64:
            raise ResultError("series_number must be at least 1 and longest_side at least 64")


def _check_text(name: str, value: str, least: int) -> None:
    if not least <= len(value) <= _MOST_OF_TEXT or "\\" in value or not value.isprintable():
        raise ResultError(
            f"{name} is {value!r}; it must have {least} to {_MOST_OF_TEXT} printable characters and no backslash"
        )
