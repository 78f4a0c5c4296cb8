"""The errors that a person may meet; each carries one sentence: where, what came, what was allowed, what to do."""


class CxrError(Exception):
    """An expected fault of input, configuration or surroundings. Its text is shown without a traceback."""


class ParamsError(CxrError, ValueError):
    """params.yaml holds an unknown key, lacks one, or a value is out of range."""


class SourceError(CxrError):
    """A source could not be fetched or is not what it should be."""


class ImageError(CxrError):
    """Bytes that are not a readable picture. `code` is one of cxr.imaging.decode.IMAGE_ERROR_CODES."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class ModelError(CxrError):
    """A model bundle is missing, incomplete, or made by another version."""


class UnsoundError(ModelError):
    """A loaded model computed what no model may say: a number that is not finite, or a heat map of another answer."""


class ResultError(CxrError):
    """No object for an archive can be made: the source image lacks what one refers to, or the answer a field."""
