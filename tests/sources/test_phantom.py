import dataclasses
import errno
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import SourceError
from cxr.data.manifest import FRONTAL_VIEWS
from cxr.sources import phantom
from cxr.sources.phantom import PhantomParams
from cxr.sources.synthetic.overlay import synthetic_mark
from cxr.sources.synthetic.radiograph import VIEWS, body_of, radiograph, shot_of

PARAMS = PhantomParams(
    kind="phantom", train_on=("NonCOVID", "COVID"), patients=8, image_size=64, covid_fraction=0.5, seed=20
)


def changed(**values) -> PhantomParams:
    return dataclasses.replace(PARAMS, **values)


def hashes(directory: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in (directory / "images").iterdir()}


def listing(params: PhantomParams, directory: Path):
    return phantom.list_images(params, directory, "phantom")


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """uint8[400, 128, 128] and their labels: one image of each of 400 patients, every second one COVID."""
    covid = np.arange(400) % 2
    return np.stack([radiograph(20, p, 1, image_size=128, covid=bool(covid[p])) for p in range(400)]), covid


# --- the picture ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_size", [32, 75, 160])
def test_three_numbers_decide_a_radiograph(image_size):
    first = radiograph(20, 1, 1, image_size=image_size, covid=True)
    assert first.shape == (image_size, image_size)
    assert first.dtype == np.uint8
    assert np.array_equal(first, radiograph(20, 1, 1, image_size=image_size, covid=True))


def test_images_of_a_patient_differ_but_are_more_alike_than_other_patients(drawn):
    patients = range(40)
    again = np.stack([radiograph(20, p, 2, image_size=128, covid=p % 2 == 1) for p in patients])
    first = drawn[0][:40]
    assert not any(np.array_equal(first[p], again[p]) for p in patients)
    alike = np.corrcoef(first.reshape(40, -1), again.reshape(40, -1))[:40, 40:]
    assert np.median(np.diag(alike)) > np.median(alike[~np.eye(40, dtype=bool)])


def test_the_label_changes_the_findings_and_not_the_person():
    healthy, ill = (radiograph(20, 5, 1, image_size=128, covid=covid).astype(int) for covid in (False, True))
    assert np.abs(healthy - ill)[:16, :16].mean() < 3
    assert np.abs(healthy - ill)[40:90].mean() > 3


def test_every_picture_says_synthetic_in_the_same_place(drawn):
    pixels, covid = drawn
    written = synthetic_mark(128) == 1
    assert written.sum() > 50
    assert (pixels[:, written] == 255).all()
    assert pixels[covid == 0][:, written].mean() == pixels[covid == 1][:, written].mean()


def test_bodies_and_views_vary():
    bodies = [body_of(20, patient) for patient in range(200)]
    assert {body.sex for body in bodies} == {"F", "M"}
    assert 18 <= min(body.age for body in bodies) < 30 < 80 < max(body.age for body in bodies) <= 91
    assert {shot_of(20, patient, 1).view for patient in range(200)} == set(VIEWS) <= set(FRONTAL_VIEWS)


# --- the task: by place and texture, not by a trivial cue -------------------------------------------------


def out_of_fold_auc(cues: np.ndarray, covid: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return roc_auc_score(covid, cross_val_predict(model, cues, covid, cv=5, method="predict_proba")[:, 1])


def trivial_cues(pixels: np.ndarray) -> list[float]:
    """Brightness, contrast, range, sharpness, file size, corners."""
    grey = pixels.astype(float)
    steps = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (0, 1)]
    corners = [grey[0, 0], grey[0, -1], grey[-1, 0], grey[-1, -1]]
    percentiles = np.percentile(grey, (1, 5, 25, 50, 75, 95, 99))
    return [grey.mean(), grey.std(), *percentiles, *steps, *corners, len(phantom.png_bytes(pixels))]


def test_no_trivial_cue_tells_the_label(drawn):
    pixels, covid = drawn
    cues = np.array([trivial_cues(one) for one in pixels])
    each = [out_of_fold_auc(cues[:, [i]], covid) for i in range(cues.shape[1])]
    assert max(each) < 0.7
    assert out_of_fold_auc(cues, covid) < 0.75


def test_the_place_of_the_haze_tells_the_label(drawn):
    pixels, covid = drawn
    blocks = pixels.reshape(400, 16, 8, 16, 8).mean((2, 4)).reshape(400, -1)
    assert out_of_fold_auc(blocks, covid) > 0.97


def test_two_patients_are_never_near_duplicates():
    from imagehash import phash

    pictures = [radiograph(20, p, 1, image_size=128, covid=p % 2 == 1) for p in range(300)]
    bits = np.stack([phash(Image.fromarray(one), hash_size=16).hash.ravel() for one in pictures]).astype(int)
    distance = bits @ (1 - bits).T + (1 - bits) @ bits.T
    assert distance[~np.eye(300, dtype=bool)].min() > 10


# --- the source -------------------------------------------------------------------------------------------


def test_more_patients_leave_the_earlier_ones_as_they_were(tmp_path):
    phantom.fetch(PARAMS, tmp_path / "few")
    phantom.fetch(changed(patients=30), tmp_path / "many")
    assert hashes(tmp_path / "few").items() < hashes(tmp_path / "many").items()
    few = listing(PARAMS, tmp_path / "few").candidates
    assert few == listing(PARAMS, tmp_path / "many").candidates[: len(few)]


def test_the_listing_names_every_image_and_its_patient(tmp_path):
    params = changed(patients=200, image_size=32, covid_fraction=0.3)
    phantom.fetch(params, tmp_path)
    found = listing(params, tmp_path)
    assert found.rejected == []
    assert [c.path for c in found.candidates] == sorted(f"images/{name}" for name in hashes(tmp_path))
    assert len({c.patient for c in found.candidates}) == 200
    labels = {(c.patient, c.label, c.sex, c.age, c.finding) for c in found.candidates}
    assert len(labels) == 200
    assert {c.view for c in found.candidates} == set(FRONTAL_VIEWS)
    assert 40 <= sum(label == "COVID" for _, label, *_ in labels) <= 80
    counts = np.bincount([int(c.patient) for c in found.candidates])[1:]
    assert set(counts) == {1, 2, 3}


def test_a_file_says_that_it_is_synthetic(tmp_path):
    phantom.fetch(PARAMS, tmp_path)
    with Image.open(tmp_path / "images" / "phantom-000001-1.png") as picture:
        assert picture.mode == "L"
        assert "ynthetic" in picture.info["Description"]


def test_a_stopped_fetch_resumes_and_is_not_taken_for_a_whole_one(tmp_path, monkeypatch):
    phantom.fetch(PARAMS, tmp_path / "whole")
    draw, drawn = phantom.png_bytes, []

    def stop_after_three(pixels):
        drawn.append(1)
        if len(drawn) > 3:
            raise KeyboardInterrupt
        return draw(pixels)

    with monkeypatch.context() as patch:
        patch.setattr(phantom, "png_bytes", stop_after_three)
        with pytest.raises(KeyboardInterrupt):
            phantom.fetch(PARAMS, tmp_path / "part")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "part" / "images").glob("*.png")}
    assert len(kept) == 3
    (tmp_path / "part" / "images" / "phantom-000008-1.png.partial").write_bytes(b"half")
    with pytest.raises(SourceError, match="not complete"):
        listing(PARAMS, tmp_path / "part")

    phantom.fetch(PARAMS, tmp_path / "part")
    assert hashes(tmp_path / "part") == hashes(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())


def test_fewer_patients_take_the_others_files_away(tmp_path):
    phantom.fetch(PARAMS, tmp_path / "few")
    phantom.fetch(changed(patients=12), tmp_path / "many")
    phantom.fetch(PARAMS, tmp_path / "many")
    assert hashes(tmp_path / "few") == hashes(tmp_path / "many")


@pytest.mark.parametrize("other", [{"seed": 21}, {"image_size": 48}, {"covid_fraction": 0.9}])
def test_another_recipe_draws_every_picture_anew(tmp_path, other):
    phantom.fetch(PARAMS, tmp_path / "fresh")
    phantom.fetch(changed(**other), tmp_path / "used")
    phantom.fetch(PARAMS, tmp_path / "used")
    assert hashes(tmp_path / "fresh") == hashes(tmp_path / "used")


def test_a_missing_and_an_unnamed_file_are_rejected_with_their_reason(tmp_path):
    phantom.fetch(PARAMS, tmp_path)
    first = tmp_path / "images" / "phantom-000001-1.png"
    first.rename(first.with_name("stray.png"))
    found = listing(PARAMS, tmp_path)
    assert [(row.path, row.reason) for row in found.rejected] == [
        ("images/phantom-000001-1.png", "no_file"),
        ("images/stray.png", "no_row"),
    ]
    assert "images/phantom-000001-1.png" not in {c.path for c in found.candidates}


@pytest.mark.parametrize("text", ["", "path,label\na,COVID\n", "path,patient,label,view,finding,sex,age\na,b,COVID\n"])
def test_metadata_of_another_form_is_an_error_that_names_the_file(tmp_path, text):
    phantom.fetch(PARAMS, tmp_path)
    (tmp_path / "metadata.csv").write_text(text)
    with pytest.raises(SourceError, match=r"metadata\.csv"):
        listing(PARAMS, tmp_path)


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(pixels):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(phantom, "png_bytes", full)
    with pytest.raises(SourceError, match="No space left"):
        phantom.fetch(PARAMS, tmp_path)
    assert not (tmp_path / "metadata.csv").exists()


def test_progress_goes_to_stderr(tmp_path, capsys):
    phantom.fetch(PARAMS, tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    assert "phantoms" in err
    assert "image/s" in err


def test_png_bytes_keep_every_grey_level():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with Image.open(io.BytesIO(phantom.png_bytes(pixels))) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
