"""The version of a JSON file's layout, kept in the file itself under `schema_version`.

A file without one was written before versions were kept; its layout is that of version 1.
"""

from collections.abc import Mapping

from cxr.common.errors import CxrError

KEY = "schema_version"
UNVERSIONED = 1


def require_known_schema(
    document: Mapping[str, object], newest: int, where: str, fault: type[CxrError] = CxrError
) -> None:
    """Refuse a file that a later version of this project wrote.

    newest: the highest version that this program reads. where: the file, for the sentence. Raises `fault`.
    """
    version = document.get(KEY, UNVERSIONED)
    if type(version) is not int or version < 1:
        raise fault(f"{where}: {KEY} is {version!r}; it must be a whole number from 1 on; write the file again")
    if version > newest:
        raise fault(
            f"{where}: {KEY} is {version}, this program reads up to {newest}; update the program, "
            "or write the file again with this one"
        )
