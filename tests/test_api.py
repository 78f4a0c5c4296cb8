"""`import cxr`: the public names, where a model is found, and that it answers as the command line does."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cxr
from cxr.inference.model_store import FACTS
from tests.labelled import pictures

PUBLIC = {"CxrError", "Unread", "ImageError", "Model", "ModelError", "Prediction", "__version__", "load"}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return pictures(1, image_size=40)[0]


@pytest.fixture
def file(picture: np.ndarray, tmp_path: Path) -> Path:
    Image.fromarray(picture).save(tmp_path / "a <picture>.png")
    return tmp_path / "a <picture>.png"


@pytest.fixture
def store(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A BentoML store with the version v1, which is the champion, and with half of a version v2."""
    home = tmp_path / "bentoml"
    monkeypatch.setenv("BENTOML_HOME", str(home))
    models = home / "models" / "covid-cxr"
    (models / "v2").mkdir(parents=True)
    (models / "v1").symlink_to(_with_facts(bundle, tmp_path / "v1"))
    (home / "cxr-champions").mkdir()
    (home / "cxr-champions" / "covid-cxr").write_text("covid-cxr:v1\n")
    return home


def _with_facts(bundle: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in bundle.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / FACTS).touch()
    return folder


def test_the_public_names_are_these():
    assert set(cxr.__all__) == PUBLIC
    assert all(getattr(cxr, name) for name in PUBLIC)
    assert set(dir(cxr)) >= PUBLIC
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        cxr.lode  # noqa: B018
    assert (Path(cxr.__file__).parent / "py.typed").is_file()


def test_importing_it_loads_no_engine():
    program = "import sys, cxr; print([name for name in sys.modules if 'openvino' in name or 'numpy' in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_form_of_a_picture_gets_the_same_answer(bundle: Path, file: Path, picture: np.ndarray):
    model = cxr.load(bundle)
    forms = [file, str(file), file.read_bytes(), picture, Image.fromarray(picture)]
    found = [model.predict(form) for form in forms]
    assert (
        len({prediction.answer.probabilities["COVID"] for prediction in found if prediction.answer.probabilities}) == 1
    )
    assert [prediction.name for prediction in found] == [file.name, file.name, "", "", ""]
    assert cxr.load(str(bundle / "model.json")).predict(file).to_dict() == found[0].to_dict()


def test_an_answer_prints_itself_and_has_the_fields_of_the_service(bundle: Path, file: Path):
    prediction = cxr.load(bundle).predict(file)
    assert str(prediction).startswith(f"{file.name}: {prediction.state} {prediction.percentage:.1f} %")
    assert str(prediction).endswith("Not a medical device.")
    assert set(prediction.to_dict()) == {"state", "percentage", "probabilities", "threshold", "warnings"}


def test_a_notebook_shows_the_picture_its_heat_map_and_no_markup_of_a_file_s_name(bundle: Path, file: Path):
    shown = cxr.load(bundle).predict(file, explain=True)._repr_html_()
    assert shown.count("<img ") == 2
    assert shown.count("data:image/png;base64,") == 2
    assert "a &lt;picture&gt;.png" in shown
    assert cxr.load(bundle).predict(file)._repr_html_().count("<img ") == 1


def test_a_refusal_says_why(complete_bundle: Path):
    blank = np.full((40, 40), 128, np.uint8)
    prediction = cxr.load(complete_bundle).predict(blank)
    assert prediction.state == "Refused"
    assert prediction.percentage is None
    assert str(prediction).startswith("refused, ")
    assert prediction.to_dict()["reason"]["code"]


def test_many_pictures_come_back_in_order_with_a_failure_for_each_that_cannot_be_read(bundle: Path, file: Path):
    model = cxr.load(bundle)
    found = model.predict_many([file, b"no picture", file.parent / "missing.png"], progress=False)
    first, second, third = found
    assert isinstance(first, cxr.Prediction)
    assert isinstance(second, cxr.Unread)
    assert isinstance(third, cxr.Unread)
    assert second.to_dict()["error"]["code"] == second.code
    assert (third.code, third.name) == ("unreadable", str(file.parent / "missing.png"))
    assert [str(one) for one in model.predict_many([file])] == [str(first)]


@pytest.mark.parametrize("name", ["covid-cxr", "covid-cxr:champion", "covid-cxr:v1"])
def test_a_name_means_the_store(store: Path, name: str, file: Path):
    assert cxr.load(name).predict(file).state in ("COVID", "NonCOVID", "Refused")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("covid-cxr:v2", r"has no covid-cxr:v2; of covid-cxr it has \['v1'\]"),
        ("other", "has no champion of other"),
        ("../other", "neither a folder with a model.json nor a name"),
    ],
)
def test_a_model_that_is_not_there_is_said(store: Path, name: str, said: str):
    with pytest.raises(cxr.ModelError, match=said):
        cxr.load(name)


def test_a_pointer_to_another_model_is_refused(store: Path):
    (store / "cxr-champions" / "covid-cxr").write_text("other:v1\n")
    with pytest.raises(cxr.ModelError, match="no version of covid-cxr"):
        cxr.load()
    (store / "cxr-champions" / "covid-cxr").write_bytes(b"\xff\xfe")
    with pytest.raises(cxr.ModelError, match="cannot be read"):
        cxr.load()


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), np.zeros((0, 4), np.uint8)]
)
def test_an_array_that_is_no_grey_picture_is_an_error(bundle: Path, array: np.ndarray):
    with pytest.raises(ValueError, match=r"uint8\[height, width\]"):
        cxr.load(bundle).predict(array)


def test_bytes_that_are_no_picture_are_an_error(bundle: Path):
    with pytest.raises(cxr.ImageError):
        cxr.load(bundle).predict(io.BytesIO(b"nothing").getvalue())
