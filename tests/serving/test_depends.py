"""Who asks the native methods from elsewhere: a client with a token, and a service that depends on this one."""

import io
import json
from pathlib import Path

import bentoml
import httpx
import pytest
from PIL import Image

from tests.serving.bento_server import ROOT, served
from tests.serving.test_errors import code_of
from tests.serving.xrays import picture, text_of

KEY = "a-key-of-more-than-sixteen-letters"
NATIVE = ("/api/predict", "/api/predict_batch", "/api/model_info")


@pytest.mark.slow
def test_a_key_is_wanted_and_may_be_the_clients_token(home: Path, file: Path):
    with served(home, CXR_API_KEY=KEY, CXR_KEY_FOR_OPERATORS="1") as server:
        for path in NATIVE:
            assert code_of(httpx.post(server.url + path, json={})) == (401, "unauthorised")
        assert code_of(httpx.get(server.url + "/schema.json")) == (401, "unauthorised")
        with bentoml.SyncHTTPClient(server.url, token=KEY) as client:
            assert client.predict(image=file)["state"] in ("COVID", "NonCOVID")
        by_token = {"Authorization": f"Bearer {KEY}"}
        said = httpx.post(server.url + "/predict", json={"image": text_of(picture())}, headers=by_token)
        assert code_of(said) == (401, "unauthorised")  # as before there were clients with tokens


WARD = '''
import bentoml
from pathlib import Path
from typing import Any
from service import CovidCxr

@bentoml.service(metrics={"enabled": False})
class Ward:
    """A hospital's own service, which asks this one."""

    cxr = bentoml.depends(CovidCxr)

    @bentoml.api
    async def triage(self, image: Path) -> dict[str, Any]:
        one = await self.cxr.predict(image=image, explain=True)
        several = await self.cxr.predict_batch(images=[image.read_bytes(), b"none"])
        facts = await self.cxr.model_info()
        try:
            await self.cxr.predict(image=b"none")
        except bentoml.exceptions.BentoMLException as fault:
            refused = str(fault)
        return {"one": one.model_dump(), "state": several.results[0].state, "error": several.results[1].error.code,
                "name": facts.name, "refused": refused}
'''


@pytest.mark.slow
def test_another_service_may_depend_on_it(gated, home: Path, file: Path, tmp_path: Path):
    (tmp_path / "ward.py").write_text(WARD)
    own = {"PYTHONPATH": str(ROOT), "CXR_API_KEY": KEY}  # which only who asks from outside needs
    with served(home, what="ward:Ward", cwd=tmp_path, **own) as ward, bentoml.SyncHTTPClient(ward.url) as client:
        said = client.triage(image=file)
    wanted = gated.post("/predict", json={"image": text_of(picture(2)), "explain": True}).json()
    assert said["one"] == wanted
    assert (said["state"], said["error"], said["name"]) == (wanted["state"], "not_a_picture", "covid-cxr")
    assert json.loads(said["refused"])["error"]["code"] == "not_a_picture"


def test_what_a_program_may_hand_over_is_read_alike(file: Path):
    from serving.picture_input import OnePicture, given

    data = picture(2)
    with file.open("rb") as opened:
        assert [given(data), given(bytearray(data)), given(file), given(opened)] == [data] * 4
    assert given(text_of(data)) == text_of(data)
    with Image.open(file) as image, Image.open(io.BytesIO(given(image))) as again:
        assert again.tobytes() == image.tobytes()
    assert OnePicture(image=file).model_dump(mode="json") == {"image": text_of(data), "explain": False}
    with pytest.raises(ValueError, match="or Base64, not int"):
        OnePicture(image=3)
