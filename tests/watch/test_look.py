"""A look takes what is new, keeps where it stands, names what moved, and starts anew when it is told to."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.inference.site_profile import Histogram, write_profile
from cxr.watch.look import Standing, alarms_of, look, mark_told, said_of
from cxr.watch.reference import Reference, read_reference, reference_from
from cxr.watch.statistics import BY_NAME, STATISTICS, reference_of
from cxr.watch.store import StoreError
from tests.site_profiles import profile
from tests.watch.made import Site, drawn_values

RNG = np.random.default_rng(0)
USUAL = reference_of([drawn_values(RNG) for _ in range(150)])
REFERENCE = reference_from(USUAL, "profile.json")


def looked(site: Site, reference: Reference = REFERENCE, **options: bool) -> Standing:
    return look(site.store, reference, site.rng, now_s=site.clock.now, **options)


def test_often_or_seldom_each_answer_is_taken_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for _ in range(5):
        site.answers(30)
        standing = looked(site)
        assert looked(site).pictures == standing.pictures
    assert standing.pictures == 150
    assert standing.alarms == []
    assert standing.ranks.counts[2].sum() == 300  # those of the reference too


def test_a_new_source_is_named_with_its_hour_and_with_shares_before_and_since(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers(200)
    assert looked(site).alarms == []
    change = site.clock.now // 3600
    site.answers(100, coding="JPEG")
    standing = looked(site)
    assert {alarm.statistic for alarm in standing.alarms} == {"coding"}
    assert change <= standing.alarms[0].since <= change + 2
    said = said_of(standing, site.store, REFERENCE, int(site.clock.now // 3600))
    (moved,) = said["moved"]
    assert moved["before"] == {"DICOM uncompressed": 1.0}
    assert moved["after"]["JPEG"] > 0.7
    assert moved["devices_since"] == {"": moved["answers_since"]}
    assert alarms_of(site.store) == (site.clock.now, {"coding"})
    json.dumps(said, allow_nan=False)


def test_an_alarm_stays_until_the_watch_is_restarted(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers(60, grey=180)
    assert [alarm.statistic for alarm in looked(site).alarms] == ["brightness"]
    site.answers(60, grey=180)
    assert [alarm.statistic for alarm in looked(site).alarms] == ["brightness"]
    assert looked(site, restart=True).alarms == []
    site.answers(60, grey=180)
    assert looked(site).alarms == []  # it is the usual now
    site.answers(100, grey=120)
    standing = looked(site)
    assert [alarm.statistic for alarm in standing.alarms] == ["brightness"]
    said = said_of(standing, site.store, REFERENCE, int(site.clock.now // 3600))
    assert "180-190" in said["moved"][0]["before"]


def test_another_reference_starts_anew_with_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers(60, grey=180)
    assert looked(site).alarms
    other = reference_from(reference_of([drawn_values(site.rng, grey=180) for _ in range(150)]), "other.json")
    site.answers(60, grey=180)
    standing = looked(site, other)
    assert (standing.alarms, standing.pictures) == ([], 60)


def test_without_a_profile_pictures_are_compared_with_those_before(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers(300, grey=180)
    assert looked(site, Reference.none()).alarms == []
    site.answers(60)
    assert [alarm.statistic for alarm in looked(site, Reference.none()).alarms] == ["brightness"]


def test_a_statistic_may_be_left_out_of_the_comparison(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers(60, grey=180)
    assert looked(site, reference_from(USUAL, "profile.json", ["brightness"])).alarms == []


def test_two_looks_at_once_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path)
    site.answers(20)
    number, text = site.store.document()
    looked(site)
    monkeypatch.setattr(type(site.store), "document", lambda _: (number, text))
    with pytest.raises(StoreError, match="look again"):
        looked(site)


def test_what_the_webhook_has_is_not_told_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers(60, grey=180)
    standing = looked(site)
    assert standing.untold
    mark_told(site.store, standing)
    assert not looked(site).untold


def test_names_are_ranked_from_the_usual_to_the_unknown() -> None:
    coding = next(number for number, statistic in enumerate(STATISTICS) if statistic.name == "coding")
    first = BY_NAME["coding"].label_of(int(REFERENCE.order[coding, 0]))
    assert first == "DICOM uncompressed"
    assert REFERENCE.order[0].tolist() == sorted(REFERENCE.order[0])


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ({"colour": Histogram((1.0,), (1, 2))}, "colour"),
        ({"brightness": Histogram((1.0,), (1, 2))}, "other edges"),
        ({"brightness": Histogram(BY_NAME["brightness"].edges, (1, 2))}, "26 counts"),
        ({"gate": Histogram(BY_NAME["gate"].edges, (10**9,) * 9)}, "9 counts"),
    ],
)
def test_a_reference_of_other_bins_is_refused_in_one_sentence(reference: dict[str, Histogram], said: str) -> None:
    with pytest.raises(CxrError, match=said):
        reference_from(reference, "profile.json")


def test_the_reference_is_read_from_a_profile(tmp_path: Path) -> None:
    write_profile(replace(profile(), reference=USUAL), tmp_path / "profile.json")
    found = read_reference(tmp_path / "profile.json")
    assert (found.counts == REFERENCE.counts).all()
    assert found.digest == REFERENCE.digest
    with pytest.raises(CxrError, match="none"):
        read_reference(tmp_path / "none.json")
