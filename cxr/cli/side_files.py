"""What `cxr predict` writes beside the table: heat maps as PNG, and structured reports as DICOM."""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from cxr.common.atomic_files import replace_when_complete
from cxr.common.errors import CxrError, ResultError
from cxr.inference.answer import Answer

if TYPE_CHECKING:
    from cxr.dicom_results.options import ResultOptions

_LONGEST_SIDE = 1024  # pixels of a heat map's picture
_NO_DICOM = "not DICOM"


class SideFiles:
    """explain: folder of the heat maps, or None. sr: folder of the reports, or None. model: as `said.model_of`."""

    def __init__(self, explain: Path | None, sr: Path | None, model: Mapping[str, str], uid_root: str):
        """Raises CxrError where the extra `clinic` is missing, or a folder cannot be one."""
        for folder in (explain, sr):
            if folder is not None and folder.exists() and not folder.is_dir():
                raise CxrError(f"{folder} is a file; name a folder for what is written beside the table")
        self._explain = explain
        self._sr = sr
        self._model = model
        self._options = _options(uid_root) if sr is not None else None
        self.explains = explain is not None
        self.left_out: Counter[str] = Counter()  # why answered files have no report

    def write(self, name: str, data: bytes, picture: np.ndarray, said: Answer) -> None:
        """name: the entry's. data: the file's bytes. picture: uint8[h, w], decoded from them."""
        if self._explain is not None and said.heatmap is not None:
            self._write_heat_map(self._explain / f"{file_name(name)}.png", picture, said)
        if self._options is not None and self._sr is not None and said.reason is None:
            self._write_report(self._sr / f"{file_name(name)}.dcm", data, said)

    def _write_heat_map(self, path: Path, picture: np.ndarray, said: Answer) -> None:
        from PIL import Image

        from cxr.dicom_results.drawing import drawn
        from cxr.dicom_results.said import said_of

        with replace_when_complete(path) as partial:
            Image.fromarray(drawn(said_of(said, self._model), picture, _LONGEST_SIDE)).save(
                partial, "PNG", compress_level=3
            )

    def _write_report(self, path: Path, data: bytes, said: Answer) -> None:
        from pydicom import dcmread

        from cxr.dicom_results.results import make_results
        from cxr.imaging.bare_dicom import is_bare_dicom
        from cxr.imaging.dicom_decoder import DICOM_FAULTS

        if data[128:132] != b"DICM" and not is_bare_dicom(data):
            self.left_out[_NO_DICOM] += 1
            return
        try:
            source = dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
            (report,) = make_results(source, said, self._options, model=self._model, when=datetime.now())
        except ResultError as fault:
            self.left_out[str(fault)] += 1
            return
        except DICOM_FAULTS:
            self.left_out["its header is damaged"] += 1
            return
        with replace_when_complete(path) as partial:
            report.save_as(partial, enforce_file_format=True)


def file_name(name: str) -> str:
    """A name for what belongs to an entry: no two entries share it, and it leads to no other folder."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(name.replace("\\", "/")).name)[:60].lstrip(".")
    return f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _options(uid_root: str) -> "ResultOptions":
    try:
        import highdicom  # noqa: F401 - asked for before the work, not in the middle of it
    except ModuleNotFoundError as fault:
        raise CxrError(f"--sr needs highdicom ({fault.name} is missing); pip install 'covid-cxr[clinic]'") from None
    from cxr.dicom_results.options import ResultOptions

    return ResultOptions(uid_root=uid_root, heatmap=False)
