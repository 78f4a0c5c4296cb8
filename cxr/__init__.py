"""Chest X-ray classification that measures how far its own answer can be trusted. Not a medical device.

    import cxr

    model = cxr.load("covid-cxr")
    print(model.predict("picture.dcm"))

What is named in `__all__` is the public interface; everything else may change between versions.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxr.api import Model, Prediction, Unread, load
    from cxr.common.errors import CxrError, ImageError, ModelError

    __version__: str

_HOMES = {
    "CxrError": "cxr.common.errors",
    "ImageError": "cxr.common.errors",
    "Model": "cxr.api",
    "ModelError": "cxr.common.errors",
    "Prediction": "cxr.api",
    "Unread": "cxr.api",
    "load": "cxr.api",
}
__all__ = ["CxrError", "ImageError", "Model", "ModelError", "Prediction", "Unread", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Looked up when it is first asked for: a stage that needs one module must not load the engine."""
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("covid-cxr")
    if name not in _HOMES:
        raise AttributeError(f"module 'cxr' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
