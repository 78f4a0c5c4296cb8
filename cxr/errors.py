"""The errors that a person may meet; each carries one sentence: where, what came, what was allowed, what to do."""


class CxrError(Exception):
    """An expected fault of input, configuration or surroundings. Its text is shown without a traceback."""


class SourceError(CxrError):
    """A source could not be fetched or is not what it should be."""


class ImageError(CxrError):
    """Bytes that are not a readable picture. `code` is one of cxr.images.IMAGE_ERROR_CODES."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class ModelError(CxrError):
    """A model bundle is missing, incomplete, or made by another version."""
