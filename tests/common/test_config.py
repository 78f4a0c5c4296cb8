"""Loading a section of params.yaml: what arrives, and how a fault is said."""

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from cxr.common.config import SECTIONS, load_params
from cxr.common.errors import ParamsError
from cxr.data.settings import SplitParams
from cxr.features.settings import FeaturesParams
from cxr.sources.covid_chestxray import CovidChestxrayParams
from cxr.sources.phantom import PhantomParams
from cxr.sources.settings import DownloadParams
from cxr.training.settings import TrainParams
from tests.common.params_files import COMMITTED, KINDS, written

PHANTOM = {"kind": "phantom", "train_on": ["COVID"], "patients": 9, "image_size": 64, "covid_fraction": 0.5, "seed": 1}
OLD_PHANTOM = {"download": {"external": {"p": PHANTOM | {"side": 64}}}}
OLD_EXPOSURE: dict[str, Any] = {"features": {"augmentation": {"exposure": {}}}}


def without(*keys: str) -> dict[str, Any]:
    """The committed parameters less one key, named by its way."""
    document = copy.deepcopy(COMMITTED)
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return document


def refusal(section: str, path: Path) -> str:
    """The one sentence that says why `section` cannot be loaded; it must name the file."""
    with pytest.raises(ParamsError) as caught:
        load_params(KINDS[section], path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(str(path))
    return sentence.removeprefix(str(path))


def test_every_section_is_known_and_there() -> None:
    assert tuple(KINDS) == SECTIONS == tuple(COMMITTED)


def test_values_arrive_with_their_types(tmp_path: Path) -> None:
    path = written(
        tmp_path, {"train": {"dropout": 0, "backbones": ["vgg16"]}, "download": {"external": {"x": PHANTOM}}}
    )
    train = load_params(TrainParams, path)
    assert (type(train.dropout), train.backbones) == (float, ("vgg16",))
    download = load_params(DownloadParams, path)
    assert isinstance(download.sources["covid_chestxray"], CovidChestxrayParams)
    assert isinstance(download.external["x"], PhantomParams)
    assert list(download.all()) == ["covid_chestxray", "covid_image_repository", "kaggle_pneumonia", "x"]
    assert load_params(FeaturesParams, path).augmentation.rotation_degrees == 20


def test_every_settings_class_names_its_section() -> None:
    assert {name: kind.section for name, kind in KINDS.items()} == {name: name for name in SECTIONS}


def test_an_old_name_that_a_section_never_had_is_an_unknown_key_like_any_other(tmp_path: Path) -> None:
    assert "called" not in refusal("train", written(tmp_path, {"train": {"side": 64}}))


def test_settings_made_in_code_keep_the_same_rules() -> None:
    with pytest.raises(ValueError, match="nothing to train on"):
        SplitParams(20, 0.6, 0.4)
    with pytest.raises(ValueError, match="test_fraction"):
        SplitParams(seed=20, test_fraction=0.9, validation_fraction=0.05)


FAULTS = [
    # what is wrong, section, change, what the sentence must name
    ("unknown key", "train", {"train": {"dropuot": 0.5}}, ["train", "'dropuot'", "dropout"]),
    ("unknown inner key", "features", {"features": {"augmentation": {"zoom": 1}}}, ["features.augmentation", "'zoom'"]),
    ("key of another kind", "download", {"download": {"sources": {"p": PHANTOM | {"origin": "x"}}}}, ["sources.p"]),
    ("unknown section", "split", {"trian": {}}, ["'trian'", "train"]),
    ("section that is a number", "split", {7: {}, "x": {}}, ["unknown section 7", "train"]),
    ("unknown key of a section elsewhere", "lungs", {"lungs": {"augmentation": {"blur": 1}}}, ["lungs.augm", "'blur'"]),
    ("rule of a section elsewhere", "lungs", {"lungs": {"image_size": 120}}, ["lungs", "120", "multiple of 16"]),
    ("bool for int", "train", {"train": {"epochs": True}}, ["train.epochs", "True", "int"]),
    ("bool for float", "train", {"train": {"dropout": False}}, ["train.dropout", "False", "float"]),
    ("text for int", "train", {"train": {"epochs": "20"}}, ["train.epochs", "'20'", "int"]),
    ("float for int", "train", {"train": {"epochs": 20.0}}, ["train.epochs", "20.0", "int"]),
    ("number for text", "register", {"register": {"model": 7}}, ["register.model", "7", "str"]),
    ("null", "register", {"register": {"model": None}}, ["register.model", "None"]),
    ("name that leads elsewhere", "register", {"register": {"model": "../x"}}, ["register.model", "'../x'", "a-z"]),
    ("name with a tag", "register", {"register": {"model": "covid:v1"}}, ["register.model", "'covid:v1'", "a-z"]),
    ("name with a folder", "register", {"register": {"model": "a/b"}}, ["register.model", "'a/b'", "a-z"]),
    ("promotion of no kind", "register", {"register": {"promote": "always"}}, ["register.promote", "'by_hand'"]),
    ("int for bool", "features", {"features": {"augmentation": {"horizontal_flip": 1}}}, ["horizontal_flip", "bool"]),
    ("too small", "train", {"train": {"epochs": 0}}, ["train.epochs", "0", "at least 1"]),
    ("too large", "train", {"train": {"dropout": 1.0}}, ["train.dropout", "1.0", "at most 0.95"]),
    ("not a number", "train", {"train": {"learning_rate": float("nan")}}, ["train.learning_rate", "nan"]),
    ("infinite", "train", {"train": {"learning_rate": float("inf")}}, ["train.learning_rate", "inf"]),
    ("list for scalar", "train", {"train": {"epochs": [20]}}, ["train.epochs", "[20]"]),
    ("scalar for list", "train", {"train": {"backbones": "vgg16"}}, ["train.backbones", "'vgg16'", "list"]),
    ("scalar for mapping", "features", {"features": {"weights": "imagenet"}}, ["features.weights", "keys and values"]),
    ("list for section", "split", {"split!": [1]}, ["split", "keys and values"]),
    ("empty section", "split", {"split": None}, ["split", "None"]),
    ("unknown word", "train", {"train": {"head": "conv"}}, ["train.head", "'conv'", "'flatten' or 'average'"]),
    ("number in a list of names", "train", {"train": {"backbones": ["vgg16", 3]}}, ["train.backbones[1]", "3", "str"]),
    ("unknown backbone", "features", {"features": {"weights": {"vgg19": "x"}}}, ["'vgg19'", "known are incep"]),
    ("backbone twice", "train", {"train": {"backbones": ["vgg16", "vgg16"]}}, ["train", "backbones", "once"]),
    ("no backbone", "train", {"train": {"backbones": []}}, ["train", "backbones", "at least one"]),
    ("unknown kind", "download", {"download": {"sources": {"x": {"kind": "ftp"}}}}, ["sources.x.kind", "'ftp'"]),
    ("kind as a list", "download", {"download": {"sources": {"x": {"kind": ["folder"]}}}}, ["sources.x.kind"]),
    ("no kind", "download", {"download": {"sources": {"x": {"origin": "y"}}}}, ["sources.x.kind", "None"]),
    ("source twice", "download", {"download": {"sources": {"p": PHANTOM}, "external": {"p": PHANTOM}}}, ["'p'"]),
    ("no source", "download", {"download": {"sources!": {}}}, ["download", "empty"]),
    ("infinitely small", "train", {"train": {"learning_rate": float("-inf")}}, ["train.learning_rate", "-inf"]),
    ("number for a key", "features", {"features": {"weights": {7: "random"}}}, ["features.weights", "key 7", "text"]),
    ("date for text", "register", {"register": {"model": date(2020, 4, 1)}}, ["register.model", "date", "quotes"]),
    ("null in a list", "train", {"train": {"backbones": [None]}}, ["train.backbones[0]", "None"]),
    ("old key of pixels", "pixels", {"pixels!": {"side": 299}}, ["pixels", "'side'", "called 'image_size' now"]),
    ("old key of lungs", "lungs", {"lungs": {"side": 64}}, ["lungs", "'side'", "called 'image_size' now"]),
    ("old key of the gate", "gate", {"gate": {"distortion": {}}}, ["gate", "called 'augmentation' now"]),
    ("old key of views", "features", {"features": {"views": 5}}, ["features", "called 'augmented_views' now"]),
    ("old inner key", "features", OLD_EXPOSURE, ["features.augmentation: ", "called 'photometric' now"]),
    ("old key of phantoms", "download", OLD_PHANTOM, ["external.p: ", "called 'image_size' now"]),
    ("no one to train on", "split", {"split": {"test_fraction": 0.6, "validation_fraction": 0.4}}, ["0.6", "0.4"]),
]  # fmt: skip


@pytest.mark.parametrize(("section", "change", "named"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_one_sentence_that_names_file_section_and_key(
    section: str, change: dict[str, Any], named: list[str], tmp_path: Path
) -> None:
    sentence = refusal(section, written(tmp_path, change))
    assert [word for word in named if word not in sentence] == []


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (("split",), ["'split'", "missing"]),
        (("split", "seed"), ["split", "'seed'", "missing"]),
        (("features", "augmentation", "shift_fraction"), ["features.augmentation", "'shift_fraction'", "missing"]),
        (("download", "sources", "kaggle_pneumonia", "version"), ["sources.kaggle_pneumonia", "'version'", "missing"]),
    ],
)
def test_a_missing_key_is_named(keys: tuple[str, ...], named: list[str], tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(without(*keys)))
    sentence = refusal(keys[0], path)
    assert [word for word in named if word not in sentence] == []


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"split: [1, 2\ntrain: {", "not YAML"),
        (b"split:\n\t- 1", "not YAML"),
        (b"split: \xff\xfe", "not YAML"),
        (b"", "NoneType"),
        (b"- split", "list"),
    ],
)
def test_a_file_that_holds_no_sections_is_one_sentence(content: bytes, named: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert named in refusal("split", path)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    assert "project's root" in refusal("split", tmp_path / "params.yaml")


def test_a_backbone_without_weights_is_named(tmp_path: Path) -> None:
    features = load_params(FeaturesParams, written(tmp_path, {"features": {"weights!": {"vgg16": "random"}}}))
    assert features.weights_of("vgg16") == "random"
    with pytest.raises(ParamsError, match=r"features\.weights: key 'xception' is missing"):
        features.weights_of("xception")


EXPORTED = {
    "kind": "openvino_or_onnx",
    "file": "net.onnx",
    "sha256": "0" * 64,
    "image_size": 224,
    "channels": 3,
    "order": "NCHW",
    "mean": [0.5],
    "std": [0.25],
    "output": "features",
}


def with_exported(folder: Path, **changes: Any) -> Path:
    """Parameters that describe one exported backbone, `mine`, with changes of its entry."""
    features = {"weights": {"mine": "exported"}, "cut": {"mine": ""}, "exported!": {"mine": EXPORTED | changes}}
    return written(folder, {"features": features})


def test_an_exported_backbone_is_known_beside_those_of_keras(tmp_path: Path) -> None:
    features = load_params(FeaturesParams, with_exported(tmp_path, std=[1, 2, 3]))
    entry = features.exported_of("mine")
    assert entry is not None
    assert (entry.channels, entry.mean, entry.std) == (3, (0.5,), (1.0, 2.0, 3.0))
    assert features.exported_of("vgg16") is None
    with pytest.raises(ParamsError, match=r"no backbone 'other'; known are inceptionv3, vgg16, .*, mine"):
        features.exported_of("other")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kind": "torch"}, ["exported.mine.kind", "'torch'"]),
        ({"file": "net.pt"}, ["exported.mine", "'net.pt'", ".onnx or .xml"]),
        ({"file": "https://host/net.onnx?download=1", "sha256": "AB"}, ["exported.mine", "'AB'", "64 hex digits"]),
        ({"image_size": 8}, ["exported.mine", "8", "between 16 and"]),
        ({"channels": 4}, ["exported.mine.channels", "4"]),
        ({"order": "HWC"}, ["exported.mine.order", "'HWC'"]),
        ({"mean": [0.1, 0.2]}, ["exported.mine", "mean has 2 numbers", "each of 3"]),
        ({"std": [0.0]}, ["exported.mine", "std", "above 0"]),
        ({"size": 3}, ["exported.mine", "'size'"]),
    ],
)
def test_a_fault_in_an_exported_backbone_names_its_key(
    changes: dict[str, Any], named: list[str], tmp_path: Path
) -> None:
    sentence = refusal("features", with_exported(tmp_path, **changes))
    assert [word for word in named if word not in sentence] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exported": {"vgg16": EXPORTED}}, "exported.vgg16: Keras' backbone has this name"),
        ({"exported": {"Mine/1": EXPORTED}}, "exported.Mine/1: use small letters"),
        ({"exported": {"mine": EXPORTED}}, "weights.mine must be 'exported' and cut.mine must be ''"),
    ],
)
def test_an_exported_backbone_needs_a_name_and_the_other_two_keys(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert said in refusal("features", written(tmp_path, {"features": change}))
