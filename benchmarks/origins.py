"""Make folders to download X-rays from: some patients first and the others later, as an archive grows.

The files are those of a mirror of the public collections, or phantoms. They are hard links where the
file system can: a mirror may hold no symbolic link out of it.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.pictures import save_phantoms
from cxr.common.config import load_params
from cxr.inference.bundle import link_or_copy
from cxr.sources import SOURCES, SourceParams
from cxr.sources.settings import DownloadParams

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
# Where a mirror has the sources of params.yaml.
COLLECTIONS = {
    "covid_chestxray": "covid-chestxray-dataset",
    "kaggle_pneumonia": "chest-xray-pneumonia",
    "covid_image_repository": "covid-19-image-repository",
}


@dataclass(frozen=True)
class BenchImages:
    """root: holds a folder for each source. folders: these folders, by source. section: the section `download` of
    params.yaml that reads them, without the origins. patients: the patient of each picture, by its path below the root;
    it leaves out files that nothing is trained or tested on (tables, masks, lateral views)."""

    root: Path
    folders: Mapping[str, str]
    section: Mapping[str, Mapping[str, Mapping[str, Any]]]
    patients: Mapping[str, str]

    def download(self, origin: Path) -> dict[str, Any]:
        """The change of params.yaml that reads what is laid out at `origin`."""
        return {
            key: {name: {**said, "origin": str(origin / self.folders[name])} for name, said in sources.items()}
            for key, sources in self.section.items()
        }

    def of_some_patients(self, share: float) -> set[str]:
        """Paths of the pictures of a share of all patients, chosen by a hash and so the same in every run."""
        patients = sorted(set(self.patients.values()), key=lambda patient: hashlib.sha256(patient.encode()).digest())
        chosen = set(patients[: round(len(patients) * share)])
        return {path for path, patient in self.patients.items() if patient in chosen}

    def lay_out(self, origin: Path, without: Iterable[str] = ()) -> None:
        """Link every file of the folders into `origin`, except those in `without`; files that are there stay."""
        left_out = set(without)
        for folder in self.folders.values():
            for parent, _, names in os.walk(self.root / folder, followlinks=True):
                for file in (Path(parent) / name for name in names):
                    path = file.relative_to(self.root)
                    if path.as_posix() not in left_out and not (origin / path).exists():
                        (origin / path).parent.mkdir(parents=True, exist_ok=True)
                        link_or_copy(file, origin / path)


def mirrored(mirror: Path) -> BenchImages:
    """The collections that a mirror has, as the project's params.yaml reads them."""
    root = mirror.resolve()
    folders = {name: folder for name, folder in COLLECTIONS.items() if (root / folder).is_dir()}
    configured = {name: load_params(DownloadParams, PARAMS).sources[name] for name in folders}
    patients: dict[str, str] = {}
    for name, params in configured.items():
        patients |= _patients(name, params, root, folders[name])
    return BenchImages(root, folders, {"sources!": {name: asdict(said) for name, said in configured.items()}}, patients)


def drawn(root: Path, images: int, image_size: int) -> BenchImages:
    """Phantoms as JPEGs of `image_size` pixels, one patient each; they replace all other sources."""
    ((name, params),) = save_phantoms(root, range(images), image_size).sources.items()
    return BenchImages(root, {name: name}, {"sources!": {name: asdict(params)}}, _patients(name, params, root, name))


def _patients(name: str, params: SourceParams, root: Path, folder: str) -> dict[str, str]:
    listing = SOURCES[params.kind].list_images(params, root / folder, name)
    return {f"{folder}/{each.path}": f"{name}/{each.patient}" for each in listing.candidates}
