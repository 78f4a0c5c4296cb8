"""The section download of params.yaml. What a kind of source has to say stands in that source's own file."""

from typing import ClassVar

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass, rebuild_dataclass

from cxr.common.config import STRICT
from cxr.common.errors import ParamsError
from cxr.sources.base import SourceParams


@dataclass(frozen=True, config=STRICT)
class DownloadParams:
    """sources: by name, of any kind in base.SOURCES. external: sources that are only ever tested on, by name."""

    section: ClassVar[str] = "download"
    sources: dict[str, SourceParams]
    external: dict[str, SourceParams]

    @classmethod
    def adapter(cls) -> TypeAdapter["DownloadParams"]:
        """Built anew, so that a source which was registered just now is known."""
        rebuild_dataclass(cls, force=True)  # type: ignore[arg-type]
        return TypeAdapter(cls)

    def __post_init__(self) -> None:
        both = self.sources.keys() & self.external.keys()
        if both:
            raise ParamsError(f"{sorted(both)} is named under both sources and external; use each name once")
        if not self.sources:
            raise ParamsError("sources is empty; name at least one source")

    def all(self) -> dict[str, SourceParams]:
        return {**self.sources, **self.external}
