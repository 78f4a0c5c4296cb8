"""Why a file got no answer."""

from cxr.common.errors import CxrError


class UnreadableError(CxrError):
    """A file that could not be read; the others are. code: for programs, the column `reason` of its row."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
