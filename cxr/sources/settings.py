"""The section download of params.yaml."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.common.errors import ParamsError
from cxr.common.labels import Label

PUBLIC = "public"


@dataclass(frozen=True, config=STRICT)
class CovidChestxrayParams:
    """GitHub ieee8023/covid-chestxray-dataset. train_on: the labels that enter the split; images of the
    others are indexed and only ever tested on."""

    kind: Literal["covid_chestxray"]
    origin: str
    revision: str
    train_on: tuple[Label, ...]


@dataclass(frozen=True, config=STRICT)
class KagglePneumoniaParams:
    """Kaggle paultimothymooney/chest-xray-pneumonia, every image NonCOVID. version: of the Kaggle dataset."""

    kind: Literal["kaggle_pneumonia"]
    origin: str
    train_on: tuple[Label, ...]
    version: Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True, config=STRICT)
class FolderParams:
    """Class folders of one's own. classes: folder name to label. patient: a regular expression whose first
    group, found in the file name, is the patient's id."""

    kind: Literal["folder"]
    origin: str
    classes: dict[str, Label]
    patient: str
    train_on: tuple[Label, ...]


@dataclass(frozen=True, config=STRICT)
class PhantomParams:
    """Synthetic radiographs. image_size: pixels. covid_fraction: of the patients."""

    kind: Literal["phantom"]
    train_on: tuple[Label, ...]
    patients: Annotated[int, Field(ge=4, le=1_000_000)]
    image_size: Annotated[int, Field(ge=32, le=2048)]
    covid_fraction: Annotated[float, Field(ge=0.05, le=0.95)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)]


SourceParams = CovidChestxrayParams | KagglePneumoniaParams | FolderParams | PhantomParams
_ByKind = Annotated[SourceParams, Field(discriminator="kind")]


@dataclass(frozen=True, config=STRICT)
class DownloadParams:
    """sources: by name. external: sources that are only ever tested on, by name."""

    section: ClassVar[str] = "download"
    sources: dict[str, _ByKind]
    external: dict[str, _ByKind]

    def __post_init__(self) -> None:
        both = self.sources.keys() & self.external.keys()
        if both:
            raise ParamsError(f"{sorted(both)} is named under both sources and external; use each name once")
        if not self.sources:
            raise ParamsError("sources is empty; name at least one source")

    def all(self) -> dict[str, SourceParams]:
        return {**self.sources, **self.external}
