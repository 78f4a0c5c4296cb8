"""One entry of features.exported in params.yaml: a backbone that comes as a file."""

import re
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.common.errors import ParamsError

SUFFIXES = (".onnx", ".xml")


@dataclass(frozen=True, config=STRICT)
class ExportedBackbone:
    """A network that another program exported, and what its input expects.

    file: the path or the http(s) address of an ONNX file, or of OpenVINO's .xml with its .bin beside it. sha256: 64 hex
    digits, of the ONNX file, or of the .xml followed by the .bin. image_size: pixels of the square that the network
    takes. channels: 1, or 3 that all hold the grey picture. order: of its input and of its map, NCHW or NHWC. mean,
    std: one number for all channels or one for each; its input is (pixel / 255 - mean) / std. output: the name of
    the tensor that holds the feature map.
    """

    kind: Literal["openvino_or_onnx"]
    file: str
    sha256: str
    image_size: int
    channels: Literal[1, 3]
    order: Literal["NCHW", "NHWC"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    output: str

    def __post_init__(self) -> None:
        if self.suffix not in SUFFIXES:
            raise ParamsError(f"file is {self.file!r}; it must end in {' or '.join(SUFFIXES)}")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ParamsError(f"sha256 is {self.sha256!r}; it must be 64 hex digits in lower case, as sha256sum prints")
        if not 16 <= self.image_size <= 4096:
            raise ParamsError(f"image_size is {self.image_size}; it must lie between 16 and 4096")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels):
                raise ParamsError(f"{name} has {len(values)} numbers; give 1, or one for each of {self.channels}")
        if min(self.std) <= 0:
            raise ParamsError(f"std is {list(self.std)}; every number must be above 0")

    @property
    def suffix(self) -> str:
        return PurePosixPath(urlsplit(self.file).path).suffix

    @property
    def is_address(self) -> bool:
        return self.file.startswith(("http://", "https://"))
