"""The section download of params.yaml. What a kind of source has to say stands in that source's own file."""

from dataclasses import dataclass

from cxr.common.errors import ParamsError
from cxr.sources.base import SourceParams


@dataclass(frozen=True)
class DownloadParams:
    """sources: by name, of any kind in base.SOURCES. external: sources that are only ever tested on, by name."""

    sources: dict[str, SourceParams]
    external: dict[str, SourceParams]

    def __post_init__(self) -> None:
        both = self.sources.keys() & self.external.keys()
        if both:
            raise ParamsError(f"{sorted(both)} is named under both sources and external; use each name once")
        if not self.sources:
            raise ParamsError("sources is empty; name at least one source")

    def all(self) -> dict[str, SourceParams]:
        return {**self.sources, **self.external}
