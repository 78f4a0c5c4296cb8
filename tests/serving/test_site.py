"""A commissioned service answers by its site's profile, and not at all where the profile says so."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from cxr.inference.manifest import digest_of
from cxr.inference.sentences import SENTENCES
from cxr.inference.site_profile import ProfileError, SiteProfile, write_profile
from serving.champion import Champion
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError
from serving.site import keep_to, site_of
from tests.serving.xrays import BLANK, picture, text_of
from tests.site_profiles import profile
from tests.tiny import tiny_bundle

ASKED = {"image": text_of(picture())}
WAYS = {  # each way of asking that gives one answer
    "/predict": lambda client: client.post("/predict", json=ASKED),
    "the file itself": lambda client: client.post("/predict", content=picture(), headers={"content-type": "image/png"}),
    "/sendbase64": lambda client: client.post("/sendbase64", json={"pic": ASKED["image"]}),
    "/upload": lambda client: client.post("/upload", files={"pic": picture()}),
}


def of(bundle: Path, **changes: object) -> SiteProfile:
    model = {"name": "covid-cxr", "version": "1", "sha256": digest_of(bundle)}
    return profile(model=model, **changes)


@pytest.fixture(scope="module")
def commissioned(serve, bundle: Path) -> Iterator[httpx.Client]:
    """At this site everything is likely, whatever the model says."""
    site = of(bundle, calibration={"scale": 0.001, "offset": 9.0}, threshold=0.2)
    with serve(model=Champion(lambda: bundle, site=site)) as client:
        yield client


def test_answers_carry_the_sites_name_group_threshold_and_probability(commissioned, client) -> None:
    said = commissioned.post("/predict", json=ASKED).json()
    assert (said["site"], said["triage"], said["threshold"], said["state"]) == ("St. Example", "likely", 0.2, "COVID")
    assert said["probabilities"]["COVID"] > 0.99
    assert "not_commissioned" not in [warning["code"] for warning in said["warnings"]]
    usual = client.post("/predict", json=ASKED).json()
    assert set(said) == {*usual, "site", "triage", "profile"}
    assert said["profile"] == commissioned.get("/model").json()["site"]["profile"]
    assert {"code": "not_commissioned", "message": SENTENCES["warning.not_commissioned"]} in usual["warnings"]


def test_the_originals_routes_keep_their_form_and_take_the_sites_probability(commissioned) -> None:
    assert commissioned.post("/sendbase64", json={"pic": ASKED["image"]}).content == b'{"percentage": "99.99% COVID"}'


def test_a_refused_picture_has_a_site_and_no_group(commissioned) -> None:
    said = commissioned.post("/predict", json={"image": text_of(BLANK)}).json()
    assert (said["state"], said["site"], "triage" in said) == ("Refused", "St. Example", False)


def test_the_model_tells_the_facts_of_its_site(commissioned, client) -> None:
    site = commissioned.get("/model").json()["site"]
    assert (site["site"], site["verdict"], site["withheld"], site["signed_by"]) == (
        "St. Example",
        "for_use",
        None,
        None,
    )
    assert site["certified"]["auc"] == {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60}
    assert site["commissioned"]["valid_until"] == "2099-11-27"
    assert "reference" not in site
    assert "site" not in client.get("/model").json()


EXPIRED = {"on": "2020-01-01", "by": "A. Physicist", "valid_until": "2021-01-01", "images": 9, "patients": 9}
WITHHELD = {
    "not_for_use": {"verdict": "not_for_use", "reasons": ["The AUC is 0.42."], "triage": None},
    "commissioning_expired": {"commissioned": EXPIRED},
}


@pytest.fixture(scope="module", params=WITHHELD)
def withholding(request, serve, bundle: Path) -> Iterator[tuple[str, httpx.Client]]:
    with serve(model=Champion(lambda: bundle, site=of(bundle, **WITHHELD[request.param]))) as client:
        yield request.param, client


@pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
def test_nothing_is_classified_where_the_profile_forbids_it(withholding, ask) -> None:
    code, client = withholding
    response = ask(client)
    assert response.status_code == 403
    assert response.json() == {"error": {"code": code, "message": SENTENCES[f"error.{code}"]}}


def test_it_is_ready_all_the_same_and_says_why_it_does_not_classify(withholding) -> None:
    code, client = withholding
    assert client.get("/readyz").status_code == 200
    assert client.get("/model").json()["site"]["withheld"] == code
    results = client.post("/predict/batch", json={"images": [ASKED["image"]]}).json()["results"]
    assert [result["error"]["code"] for result in results] == [code]


def test_prometheus_hears_of_every_withheld_answer_and_until_when_the_commissioning_is_valid(withholding) -> None:
    code, client = withholding
    count = re.compile(rf'cxr_withheld_answers_total{{reason="{code}"}} (\d+)')
    before = int(count.findall(client.get("/metrics").text)[0])
    client.post("/predict", json=ASKED)
    client.post("/predict/batch", json={"images": [ASKED["image"]] * 2})
    page = client.get("/metrics").text
    assert int(count.findall(page)[0]) == before + 3
    days = (
        date.fromisoformat(client.get("/model").json()["site"]["commissioned"]["valid_until"]) - date(1970, 1, 1)
    ).days
    shown = re.findall(r'cxr_site_valid_until_timestamp_seconds\{site="St. Example"\} (\S+)', page)
    assert [float(one) for one in shown] == [(days + 1) * 86_400]


def test_a_commissioning_that_is_valid_for_ever_can_be_shown() -> None:
    ever = {"on": "2026-11-27", "by": "A", "valid_until": "9999-12-31", "images": 9, "patients": 9}
    metrics = Metrics()
    metrics.site.show(profile(commissioned=ever))
    assert b'cxr_site_valid_until_timestamp_seconds{site="St. Example"} 2.534' in metrics._text()


def test_a_model_that_the_profile_is_not_for_stops_the_start(bundle: Path, tmp_path: Path) -> None:
    other = tiny_bundle(tmp_path / "other", seed=5)
    with pytest.raises(ProfileError, match=r"is for covid-cxr 1 .* is another model"):
        Champion(lambda: other, site=of(bundle))


def test_a_new_champion_waits_until_it_is_commissioned(bundle: Path, tmp_path: Path, caplog) -> None:
    meant = [bundle]
    champion = Champion(lambda: meant[-1], site=of(bundle))
    before = champion.model
    meant.append(tiny_bundle(tmp_path / "newer", seed=5))
    assert not champion.refresh()
    assert champion.model is before
    assert not champion.following
    assert "is another model" in caplog.text
    meant.append(bundle)
    champion.refresh()
    assert champion.following


def test_a_profile_is_read_where_it_is_named_and_its_signature_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    write_profile(profile(), path)
    assert site_of(Settings()) is None
    assert site_of(Settings(site=str(path))) == profile()
    with pytest.raises(ProfileError, match="is not signed"):
        site_of(Settings(site=str(path), site_keys=("00" * 32,)))
    with pytest.raises(SettingsError, match="CXR_SITE is not"):
        site_of(Settings(site_keys=("00" * 32,)))
    with pytest.raises(ProfileError, match="not a readable site profile"):
        site_of(Settings(site=str(tmp_path / "none.json")))


def test_a_worker_that_is_started_again_does_not_answer_by_another_profile() -> None:
    inherited: dict[str, str] = {}
    keep_to(None, inherited)
    keep_to(profile(), inherited)
    keep_to(profile(), inherited)
    with pytest.raises(SettingsError, match="was replaced while the service runs"):
        keep_to(profile(threshold=0.5), inherited)


def test_the_start_is_refused_before_any_worker_is_started(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import service

    monkeypatch.setattr(service, "find_model", lambda: bundle)
    check = service.CovidCxr.inner.require_model_of_site
    for site in (None, of(bundle)):
        monkeypatch.setattr(service, "SITE", site)
        check()
    monkeypatch.setattr(service, "SITE", profile())
    with pytest.raises(ProfileError, match="is another model"):
        check()
