"""The section download of params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cxr.common.config import Within
from cxr.common.errors import ParamsError
from cxr.common.labels import Label

PUBLIC = "public"


@dataclass(frozen=True)
class CovidChestxrayParams:
    """GitHub ieee8023/covid-chestxray-dataset. train_on: the labels that enter the split; images of the
    others are indexed and only ever tested on."""

    kind: Literal["covid_chestxray"]
    origin: str
    revision: str
    train_on: tuple[Label, ...]


@dataclass(frozen=True)
class KagglePneumoniaParams:
    """Kaggle paultimothymooney/chest-xray-pneumonia, every image NonCOVID. version: of the Kaggle dataset."""

    kind: Literal["kaggle_pneumonia"]
    origin: str
    train_on: tuple[Label, ...]
    version: Annotated[int, Within(1, 10_000)]


@dataclass(frozen=True)
class FolderParams:
    """Class folders of one's own. classes: folder name to label. patient: a regular expression whose first
    group, found in the file name, is the patient's id."""

    kind: Literal["folder"]
    origin: str
    classes: dict[str, Label]
    patient: str
    train_on: tuple[Label, ...]


@dataclass(frozen=True)
class PhantomParams:
    """Synthetic radiographs. image_size: pixels. covid_fraction: of the patients."""

    kind: Literal["phantom"]
    train_on: tuple[Label, ...]
    patients: Annotated[int, Within(4, 1_000_000)]
    image_size: Annotated[int, Within(32, 2048)]
    covid_fraction: Annotated[float, Within(0.05, 0.95)]
    seed: Annotated[int, Within(0, 2**31 - 1)]


SourceParams = CovidChestxrayParams | KagglePneumoniaParams | FolderParams | PhantomParams


@dataclass(frozen=True)
class DownloadParams:
    """sources: by name. external: sources that are only ever tested on, by name."""

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
