"""The exported trunk of one backbone: made once, recognised by what it was made of."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import read_json, replace_when_complete, sha256_of, write_json
from cxr.common.errors import CxrError
from cxr.features.feature_cache import CacheSpec, cache_specs
from cxr.features.quantization import read_agreement
from cxr.features.settings import FeaturesParams
from cxr.inference.precision import Chosen, Precision, available, fastest_float
from cxr.networks.backbones import weights_fingerprint
from cxr.networks.exported import exported_fingerprint, write_exported_trunk
from cxr.networks.registry import Backbone
from cxr.networks.settings import ExportedBackbone


@dataclass(frozen=True)
class TrunkSpec:
    """Everything that an exported trunk depends on. weights: of
    cxr.networks.backbones.weights_fingerprint, or cxr.networks.exported.exported_fingerprint. cut: the
    layers after which it ends, "" for the whole trunk. lungs: of `lungs_fingerprint`."""

    backbone: Backbone
    image_size: int
    weights: str
    cut: str = ""
    lungs: str = ""


def lungs_fingerprint(lungs: Path | None) -> str:
    """The hash of the segmenter's weights in its folder; "" where the trunk looks at the whole picture."""
    file = None if lungs is None else lungs / "lungs.bin"
    return sha256_of(file) if file is not None and file.is_file() else ""


def trunk_spec(backbone: Backbone, image_size: int, params: FeaturesParams) -> TrunkSpec:
    """What the trunk of this backbone is made of under these params. Raises ParamsError where nobody knows it."""
    exported = params.exported_of(backbone)
    if exported is None:
        weights = weights_fingerprint(params.weights_of(backbone), params.seed)
    else:
        weights = exported_fingerprint(exported)
    return TrunkSpec(backbone, image_size, weights, params.cut_of(backbone), lungs_fingerprint(params.lungs()))


def ensure_trunk(
    spec: TrunkSpec,
    weights: str,
    seed: int,
    directory: Path,
    lungs: Path | None = None,
    exported: ExportedBackbone | None = None,
) -> None:
    """Leave trunk.xml, trunk.bin, trunk.json and layers.json in `directory`, starting Keras only if they are
    not already those of `spec`.

    weights, seed, lungs: as cxr.networks.backbones.build_trunk takes them. exported: of a backbone that comes as a
    file, whose path it names; Keras is then not needed.
    """
    if trunk_is_there(spec, directory):
        return
    if exported is not None:
        with replace_when_complete(directory) as unfinished:
            unfinished.mkdir()
            layers = write_exported_trunk(spec.backbone, exported, spec.image_size, unfinished, lungs)
            _describe(spec, layers, unfinished)
        return
    from cxr.networks.backbones import build_trunk, layer_table
    from cxr.networks.keras_export import export_trunk

    trunk = build_trunk(spec.backbone, spec.image_size, weights, seed, spec.cut, lungs)
    with replace_when_complete(directory) as unfinished:
        unfinished.mkdir()
        export_trunk(trunk, unfinished)
        _describe(spec, layer_table(trunk), unfinished)


def _describe(spec: TrunkSpec, layers: list[dict[str, Any]], directory: Path) -> None:
    write_json(layers, directory / "layers.json")
    write_json(asdict(spec), directory / "trunk.json")


def trunk_is_there(spec: TrunkSpec, directory: Path) -> bool:
    """Whether `directory` holds exactly this trunk, whole."""
    try:
        return read_json(directory / "trunk.json") == asdict(spec) and (directory / "trunk.bin").is_file()
    except CxrError:
        return False


def read_trunk_spec(directory: Path) -> TrunkSpec:
    """Raises CxrError where the trunk was made by a version of this project that knew other facts of it."""
    facts: dict[str, Any] = read_json(directory / "trunk.json")
    if facts.keys() != {field.name for field in fields(TrunkSpec)}:
        raise CxrError(f"{directory / 'trunk.json'} is of another version; run `dvc repro` to make the trunk again")
    return TrunkSpec(**facts)


def read_shape(directory: Path) -> tuple[int, int, int]:
    """(h, w, c) of the trunk's feature map, without loading it."""
    height, width, channels = read_json(directory / "layers.json")[-1]["output_shape"]
    return height, width, channels


def running_precision(directory: Path, wanted: Chosen) -> Precision:
    """What this machine fills a cache in: "auto" takes eight bits where the processor has them and their feature maps
    agree with float32's, else the faster floating point. Raises CxrError where int8 is wanted and was not made."""
    agreement = read_agreement(directory)
    if wanted == "int8" and agreement is None:
        raise CxrError(f"{directory} has no eight-bit trunk; run the features stage, or set features.precision to auto")
    if wanted != "auto":
        return wanted
    return "int8" if "int8" in available() and agreement is not None and agreement.holds else fastest_float()


def specs_of_caches(directory: Path, params: FeaturesParams) -> tuple[CacheSpec, CacheSpec]:
    """The caches of augmented and of plain views that belong to the trunk in `directory` under these params."""
    trunk = read_trunk_spec(directory)
    precision = running_precision(directory, params.precision)
    agreement = read_agreement(directory)
    # Ranges are read off pictures, so eight-bit trunks of the same weights differ.
    identity = f"int8-{agreement.sha256[:16]}" if precision == "int8" and agreement is not None else precision
    return cache_specs(
        CacheSpec(
            trunk.backbone,
            trunk.weights,
            trunk.image_size,
            identity,
            params.augmented_views,
            params.seed,
            params.augmentation,
            trunk.cut,
            trunk.lungs,
        )
    )
