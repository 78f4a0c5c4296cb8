"""POST /predict with the file itself: as the body, or in a form. No Base64, so that one line of curl is enough."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fuzz.samples import dicom
from tests.serving.test_errors import code_of
from tests.serving.xrays import encoded, grey, picture, text_of

README = Path(__file__).parents[2] / "README.md"
FILE = picture()


def sent(client, content: bytes, media_type: str, path: str = "/predict"):
    return client.post(path, content=content, headers={"Content-Type": media_type})


@pytest.fixture(scope="module")
def usual(client) -> dict:
    """The answer to the same picture in JSON."""
    return client.post("/predict", json={"image": text_of(FILE)}).json()


@pytest.mark.parametrize(
    "media_type", ["image/png", "image/*", "IMAGE/JPEG", "image/x-anything; q=1", "application/dicom"]
)
def test_the_bytes_of_a_picture_get_the_answer_of_its_base64(client, usual, media_type):
    assert sent(client, FILE, media_type).json() == usual


def test_a_dicom_file_is_answered(client):
    assert sent(client, dicom(grey()), "application/dicom").json()["state"] in ("COVID", "NonCOVID", "Refused")


def test_a_form_gets_the_same_answer(client, usual):
    assert client.post("/predict", files={"image": ("a.png", FILE)}).json() == usual


def test_a_heat_map_is_asked_for_in_the_address_or_in_the_form(client):
    wanted = client.post("/predict", json={"image": text_of(FILE), "explain": True}).json()
    assert "heatmap" in wanted
    assert sent(client, FILE, "image/png", "/predict?explain=true").json() == wanted
    assert client.post("/predict", files={"image": FILE}, data={"explain": "true"}).json() == wanted
    assert client.post("/predict?explain=true", json={"image": text_of(FILE)}).json() == wanted


def test_faults_have_their_usual_names(client):
    assert code_of(sent(client, b"", "image/png")) == (400, "empty")
    assert code_of(sent(client, b"hello, world", "image/png")) == (415, "not_a_picture")
    assert code_of(sent(client, FILE[:900], "image/png")) == (400, "corrupt")
    assert code_of(sent(client, FILE, "image/png", "/predict?explain=1")) == (422, "invalid_field")
    assert code_of(sent(client, FILE, "image/png", "/predict?explian=true")) == (422, "invalid_field")
    assert code_of(sent(client, FILE, "multipart/form-data")) == (400, "bad_request")
    assert code_of(client.post("/predict", files={"pic": FILE})) == (422, "invalid_field")
    assert code_of(client.post("/predict", files={"image": FILE}, data={"explain": "1"})) == (422, "invalid_field")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_of_the_readme_work_for_a_large_file(client, tmp_path):
    (tmp_path / "picture.png").write_bytes(large := encoded(grey(shape=(600, 500))))
    assert len(large) > 128 * 1024  # what one argument of a command may have
    lines = re.findall(r"^curl .*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        here = line.replace("http://127.0.0.1:3000", str(client.base_url))
        done = subprocess.run(["sh", "-c", here], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert '"state"' in done.stdout, done.stdout
