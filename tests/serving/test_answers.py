"""What the routes answer to a picture."""

import base64
import io
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from cxr.imaging.decode import to_pixels
from cxr.inference.sentences import SENTENCES
from serving.champion import Champion
from tests.serving.xrays import BLANK, encoded, from_the_side, grey, picture, text_of
from tests.tiny import tiny_bundle


def predict(client: httpx.Client, data: bytes, **fields: object) -> dict:
    response = client.post("/predict", json={"image": text_of(data), **fields})
    assert response.status_code == 200, response.text
    return response.json()


def test_the_answer_has_the_fields_of_the_contract(client):
    answer = predict(client, picture())
    assert set(answer) == {"state", "percentage", "probabilities", "threshold", "warnings", "model"}
    assert answer["state"] in ("COVID", "NonCOVID")
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["percentage"] == pytest.approx(100 * answer["probabilities"][answer["state"]])
    assert set(answer["model"]) == {"name", "version", "backbone"}


def test_the_two_states_both_occur(client):
    assert {predict(client, picture(seed))["state"] for seed in range(2)} == {"COVID", "NonCOVID"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_the_same_bytes_give_the_same_probability_here_and_in_the_engine(client, champion: Champion, kind):
    data = picture(seed=4, kind=kind)
    by_engine = champion.model.engine.predict(to_pixels(data, champion.model.engine.image_size)[None])[0]
    assert predict(client, data)["probabilities"]["COVID"] == pytest.approx(by_engine, abs=1e-4)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: "data:image/png;base64," + text,
        lambda text: "\r\n".join(re.findall(".{1,76}", text)),
        lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
    ],
    ids=["plain", "data URI", "line breaks", "URL-safe without padding"],
)
def test_every_usual_form_of_base64_is_the_same_picture(client, wrap):
    data = picture(seed=3)
    response = client.post("/predict", json={"image": wrap(text_of(data))})
    assert response.json() == predict(client, data)


def test_the_heat_map_is_a_small_transparent_png_and_only_there_when_asked_for(client, champion: Champion):
    assert "heatmap" not in predict(client, picture())
    uri = predict(client, picture(), explain=True)["heatmap"]
    head, _, text = uri.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(text))) as overlay:
        rows, columns, _ = champion.model.engine.trunk.shape
        assert (overlay.mode, overlay.size) == ("RGBA", (columns, rows))


def test_a_blank_picture_is_refused_with_the_reason(client):
    answer = predict(client, BLANK)
    assert answer["state"] == "Refused"
    assert answer["percentage"] is None
    assert answer["probabilities"] is None
    assert answer["reason"]["code"] == "blank"


def test_a_batch_answers_each_picture_in_order_and_one_bad_one_fails_alone(client):
    texts = [text_of(picture(0)), "not Base64!", text_of(BLANK), text_of(b"no picture"), text_of(picture(1))]
    response = client.post("/predict/batch", json={"images": texts})
    results = response.json()["results"]
    assert response.status_code == 200
    assert results[0] == predict(client, picture(0))
    assert results[1]["error"]["code"] == "not_base64"
    assert results[2]["state"] == "Refused"
    assert results[3]["error"]["code"] == "not_a_picture"
    assert results[4] == predict(client, picture(1))


def test_what_the_gate_refuses_is_refused_with_code_and_sentence(gated, client):
    refused = predict(gated, from_the_side(), explain=True)
    assert refused["state"] == "Refused"
    assert refused["reason"] == {"code": "lateral", "message": SENTENCES["refusal.lateral"]}
    assert (refused["percentage"], refused["probabilities"]) == (None, None)
    assert not {"heatmap", "lung_share"} & set(refused)
    assert predict(client, from_the_side())["state"] != "Refused"  # its model has no gate
    assert predict(gated, picture())["state"] == predict(client, picture())["state"]


def test_the_share_in_the_lungs_comes_with_the_heat_map(gated, client):
    assert "lung_share" not in predict(gated, picture())
    explained = predict(gated, picture(), explain=True)
    assert 0 <= explained["lung_share"] <= 1
    assert ("outside_lungs" in [w["code"] for w in explained["warnings"]]) == (explained["lung_share"] < 0.5)
    assert "lung_share" not in predict(client, picture(), explain=True)  # its model has no segmenter


@pytest.mark.parametrize("count", [0, 17])
def test_a_batch_is_bounded(client, count):
    response = client.post("/predict/batch", json={"images": ["AAAA"] * count})
    assert response.status_code == 422
    assert "images" in response.json()["error"]["message"]


def test_model_tells_the_facts_but_nothing_about_the_machine(client, champion: Champion):
    facts = client.get("/model").json()
    assert facts["note"] == "tiny"
    assert facts["version"] == champion.facts.version
    assert "/somewhere" not in str(facts)


def test_a_stamped_model_says_why_and_warns_in_every_answer(serve, tmp_path: Path):
    audit = {"reasons": ["border only: auc 0.84"], "measured": {"border_only": {"rectangle": {"value": 0.84}}}}
    stamped = tiny_bundle(tmp_path / "stamped", shortcut_flagged=True, audit=audit)
    with serve(model=Champion(lambda: stamped)) as client:
        facts = client.get("/model").json()
        assert (facts["shortcut_flagged"], facts["audit"]) == (True, audit)
        for i in range(3):
            assert predict(client, picture(i))["warnings"][0]["code"] == "shortcut_flagged"


def test_a_picture_turned_by_exif_is_the_upright_one(client):
    upright = grey(6)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = encoded(np.ascontiguousarray(upright[::-1, ::-1]), exif=exif)
    assert predict(client, turned) == predict(client, encoded(upright))
