"""params.yaml as frozen dataclasses: one class per section, every key required, every range checked here.

Imports nothing of ours, so that whatever needs a setting can import it.
"""

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

PARAMS_FILE = Path("params.yaml")
PUBLIC = "public"

Backbone = Literal["inceptionv3", "vgg16", "resnet50", "xception"]
BACKBONES: tuple[Backbone, ...] = get_args(Backbone)
Label = Literal["NonCOVID", "COVID"]


class ParamsError(ValueError):
    """params.yaml holds an unknown key, lacks one, or a value is out of range."""


@dataclass(frozen=True)
class Within:
    """A number must lie in [low, high]; the loader checks it."""

    low: float
    high: float


# --- download ---------------------------------------------------------------------------------------------


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
    """Synthetic radiographs. side: pixels. covid_fraction: of the patients."""

    kind: Literal["phantom"]
    train_on: tuple[Label, ...]
    patients: Annotated[int, Within(4, 1_000_000)]
    side: Annotated[int, Within(32, 2048)]
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


# --- the other stages -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SplitParams:
    """near_duplicate_bits: two images whose 256-bit perceptual hashes differ in at most so many bits count
    as the same picture."""

    seed: Annotated[int, Within(0, 2**31 - 1)]
    test_fraction: Annotated[float, Within(0.01, 0.8)]
    validation_fraction: Annotated[float, Within(0.01, 0.8)]
    near_duplicate_bits: Annotated[int, Within(0, 64)]

    def __post_init__(self) -> None:
        if self.test_fraction + self.validation_fraction >= 1:
            raise ParamsError(
                f"test_fraction {self.test_fraction} and validation_fraction {self.validation_fraction} leave "
                "nothing to train on; their sum must stay below 1"
            )


@dataclass(frozen=True)
class PixelsParams:
    """side: pixels of the square that every network sees."""

    side: Annotated[int, Within(75, 1024)]


@dataclass(frozen=True)
class ExposureParams:
    """share: of the views that are changed at all; the rest stay as they are. crop_fraction: cut off each side, at
    most. gamma: powers up to this factor, either way. contrast: around mid-grey, by up to so much of itself.
    brightness: of the whole range, either way. blur_pixels: highest radius. jpeg_quality: lowest. equalise: share
    of the changed views whose grey levels are spread evenly."""

    share: Annotated[float, Within(0, 1)]
    crop_fraction: Annotated[float, Within(0, 0.4)]
    gamma: Annotated[float, Within(1, 5)]
    contrast: Annotated[float, Within(0, 0.9)]
    brightness: Annotated[float, Within(0, 0.5)]
    blur_pixels: Annotated[float, Within(0, 10)]
    jpeg_quality: Annotated[int, Within(1, 95)]
    equalise: Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class AugmentationParams:
    """rotation_degrees: each view is turned by up to so much either way. shift_fraction: moved by up to this
    part of the side, in each direction. horizontal_flip: mirrored half of the time. exposure: and then shown as
    another hospital might have stored it."""

    rotation_degrees: Annotated[float, Within(0, 180)]
    shift_fraction: Annotated[float, Within(0, 0.5)]
    horizontal_flip: bool
    exposure: ExposureParams


@dataclass(frozen=True)
class FeaturesParams:
    """views: augmented views of each training image. weights: by backbone, "imagenet", "random" or the path
    of a Keras weights file. cut: by backbone, the layers after which the trunk ends, joined by "+", "" for the whole
    trunk. focus: what the trunk looks at, named by the file or folder that dvc.yaml then depends on: the whole picture,
    or the lungs that the segmenter sees in it (cxr/lung_focus.py).
    precision: of the trunk on this machine; "auto" takes eight-bit integers where the processor has them and they
    agree with float32 (cxr/quantising.py), else bf16."""

    views: Annotated[int, Within(1, 1000)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
    precision: Literal["auto", "f32", "bf16", "int8"]
    augmentation: AugmentationParams
    weights: dict[Backbone, str]
    cut: dict[Backbone, str]
    focus: Literal["data/pixels.npy", "models/lungs"]

    def weights_of(self, backbone: Backbone) -> str:
        return _of_backbone(self.weights, backbone, "features.weights")

    def cut_of(self, backbone: Backbone) -> str:
        return _of_backbone(self.cut, backbone, "features.cut")

    def lungs(self) -> Path | None:
        """The segmenter's folder; None where the trunk looks at the whole picture."""
        return Path(self.focus) if self.focus == "models/lungs" else None


def _of_backbone(values: dict[Backbone, str], backbone: Backbone, where: str) -> str:
    if backbone not in values:
        raise ParamsError(f"{where}: key {backbone!r} is missing, and train.backbones names it")
    return values[backbone]


@dataclass(frozen=True)
class TrainParams:
    """head: "flatten" keeps each location's own weights, "average" pools over them. sensitivity: the operating
    threshold is the highest that reaches it on the validation patients. weighting: what each class weighs in
    the loss. alignment: how strongly sources of one label are kept from differing in their mean logit while the head
    trains (cxr/alignment.py); 0 does not, and fine-tuning never does. fine_tune: blocks at the end of the trunk that
    are trained too, once the head is; 0 leaves the trunk as it is. fine_tune_epochs, fine_tune_learning_rate: of that
    second training."""

    head: Literal["flatten", "average"]
    dropout: Annotated[float, Within(0, 0.95)]
    learning_rate: Annotated[float, Within(1e-7, 1)]
    weight_decay: Annotated[float, Within(0, 10)]
    batch_size: Annotated[int, Within(1, 4096)]
    epochs: Annotated[int, Within(1, 100_000)]
    weighting: Literal["none", "label", "label_and_source"]
    alignment: Annotated[float, Within(0, 1e9)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
    sensitivity: Annotated[float, Within(0.5, 1.0)]
    fine_tune: Annotated[int, Within(0, 100)]
    fine_tune_epochs: Annotated[int, Within(1, 10_000)]
    fine_tune_learning_rate: Annotated[float, Within(1e-9, 1)]
    backbones: tuple[Backbone, ...]

    def __post_init__(self) -> None:
        if not self.backbones or len(set(self.backbones)) != len(self.backbones):
            raise ParamsError(f"backbones {self.backbones} must name at least one backbone, each once")


@dataclass(frozen=True)
class EvaluateParams:
    """resamples: bootstrap samples of patients. confidence: of the intervals. prevalence: of COVID among the
    people that PPV and NPV are stated for."""

    resamples: Annotated[int, Within(100, 100_000)]
    confidence: Annotated[float, Within(0.5, 0.999)]
    prevalence: Annotated[float, Within(0.0001, 0.9999)]
    seed: Annotated[int, Within(0, 2**31 - 1)]


@dataclass(frozen=True)
class RegisterParams:
    """model: name in the MLflow registry and in the BentoML store. metric: on the validation patients, picks
    the winner over the backbones."""

    model: str
    experiment: str
    metric: Literal["balanced_auc", "auc", "average_precision", "balanced_accuracy"]


# Every section of params.yaml. Where a class needs another module of ours it stands there, beside what it sets.
SECTIONS = (
    "download",
    "split",
    "pixels",
    "lungs",
    "gate",
    "features",
    "train",
    "evaluate",
    "audit",
    "register",
)

Params = TypeVar("Params")


def load_params(kind: type[Params], section: str, path: Path = PARAMS_FILE) -> Params:
    """Read one section of params.yaml. Raises ParamsError that names the file, the section and the key."""
    document = _read(path)
    unknown = document.keys() - set(SECTIONS)
    if unknown:
        first = min(unknown, key=str)  # a key of YAML may be a number
        raise ParamsError(f"{path}: unknown section {first!r}; the sections are {', '.join(SECTIONS)}")
    if section not in document:
        raise ParamsError(f"{path}: section {section!r} is missing")
    return _build(kind, document[section], f"{path}: {section}")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path} is missing; run from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise ParamsError(f"{path} is not YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(document, dict):
        raise ParamsError(f"{path} must hold sections, got {type(document).__name__}")
    return document


def _build(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML into `kind`, checking types, keys and ranges on the way."""
    if is_dataclass(kind):
        return _build_dataclass(typing.cast(type, kind), value, where)
    build = _BUILDERS.get(get_origin(kind))
    return build(get_args(kind), value, where) if build else _build_scalar(kind, value, where)


def _build_dataclass(kind: type, value: Any, where: str) -> Any:
    given = _mapping(value, where)
    hints = get_type_hints(kind, include_extras=True)
    allowed = [f.name for f in fields(kind)]
    for key in given:
        if key not in allowed:
            raise ParamsError(f"{where}: unknown key {key!r}; the keys are {', '.join(allowed)}")
    for key in allowed:
        if key not in given:
            raise ParamsError(f"{where}: key {key!r} is missing")
    built = {key: _build(hints[key], item, f"{where}.{key}") for key, item in given.items()}
    try:
        return kind(**built)
    except ParamsError as fault:
        raise ParamsError(f"{where}: {fault}") from None


def _build_within(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    kind, bounds = kinds
    number = _build(kind, value, where)
    if not bounds.low <= number <= bounds.high:
        raise ParamsError(f"{where} is {number}; it must lie between {bounds.low} and {bounds.high}")
    return number


def _build_choice(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in choices:
        raise ParamsError(f"{where} is {value!r}; allowed: {', '.join(map(repr, choices))}")
    return value


def _build_list(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ParamsError(f"{where} is {value!r}; it must be a list")
    return tuple(_build(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(value))


def _build_mapping(kinds: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    items = _mapping(value, where).items()
    return {_build(kinds[0], key, f"{where}: key"): _build(kinds[1], item, f"{where}.{key}") for key, item in items}


def _build_scalar(kind: type, value: Any, where: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ParamsError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    return value


def _build_union(kinds: tuple[type, ...], value: Any, where: str) -> Any:
    """Pick the source's class by its `kind`, which is a Literal of one word in each."""
    by_name = {get_args(get_type_hints(kind)["kind"])[0]: kind for kind in kinds}
    name = _mapping(value, where).get("kind")
    if not isinstance(name, str) or name not in by_name:
        raise ParamsError(f"{where}.kind is {name!r}; allowed: {', '.join(by_name)}")
    return _build(by_name[name], value, where)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParamsError(f"{where} is {value!r}; it must hold keys and values")
    return value


_BUILDERS: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    Annotated: _build_within,
    Literal: _build_choice,
    tuple: _build_list,
    dict: _build_mapping,
    types.UnionType: _build_union,
    typing.Union: _build_union,
}
