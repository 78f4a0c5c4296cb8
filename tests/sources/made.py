"""Small files that look like the sources' own."""

import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

from cxr.sources.http.transfer import Patience

HURRIED = Patience(connect_timeout_s=5, read_timeout_s=5, attempts=3, backoff_s=0, longest_wait_s=5)
HEADER = "patientid,offset,sex,age,finding,view,modality,folder,filename,url\n"


def zip_of(files: Mapping[str, bytes], comment: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
        zipped.comment = comment.encode()
    return buffer.getvalue()


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def metadata(*rows: str) -> bytes:
    return (HEADER + "\n".join(rows) + "\n").encode()


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def files_under(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
