"""What is counted: the right bin, and nothing but numbers and names of a list."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest

from cxr.imaging.decode import decode
from cxr.inference.answer import Answer
from cxr.inference.remarks import Remark
from cxr.inference.rules import RULES
from cxr.inference.triage import GROUPS
from cxr.watch.codings import CODINGS, OTHER, coding_and_device, plain
from cxr.watch.statistics import BY_NAME, STATISTICS, Statistic, brightness_of, reference_of, values_of
from tests.fuzz.samples import dicom, dicoms, native_dicoms, ramp, rasters

SAID = Answer("COVID", 70.0, {"NonCOVID": 0.3, "COVID": 0.7}, 0.5, familiarity=0.4)
REFUSED = Answer("Refused", None, None, 0.5, reason=Remark("lateral", "from the side"))


def test_every_value_has_one_bin_and_every_bin_a_label_of_its_own() -> None:
    for statistic in STATISTICS:
        labels = [statistic.label_of(number) for number in range(statistic.bins)]
        assert len(set(labels)) == statistic.bins
        if not statistic.named:
            edges = np.array(statistic.edges)
            assert (np.diff(edges) > 0).all()
            inside = [edges[0] - 0.001, *edges]
            assert [statistic.bin_of(value) for value in inside] == list(range(statistic.bins))


def test_the_bins_are_those_of_the_stores_that_there_are() -> None:
    """A site's counts and its profile are of these bins: another layout is another statistic, at the list's end."""
    kept = {statistic.name: (statistic.bins, statistic.edges[1]) for statistic in STATISTICS}
    assert list(kept.items())[:9] == [
        ("probability", (26, 0.0041)),
        ("familiarity", (15, 0.005)),
        ("brightness", (26, 20.0)),
        ("width", (26, 152.0)),
        ("height", (26, 152.0)),
        ("aspect", (18, 0.5453)),
        ("coding", (17, "PNG")),
        ("gate", (9, "blank")),
        ("triage", (4, "uncertain")),
    ]


def test_every_refusal_and_every_group_has_a_bin_of_its_own() -> None:
    assert set(BY_NAME["gate"].edges) - {"passed", OTHER} == set(RULES.refusal_codes)
    assert set(BY_NAME["triage"].edges) - {OTHER} == set(GROUPS)


def test_an_unknown_name_is_counted_as_other() -> None:
    assert BY_NAME["gate"].label_of(BY_NAME["gate"].bin_of("a refusal of tomorrow")) == OTHER
    assert Statistic("colour", ("red", OTHER)).bin_of("red") == 0


def test_an_answer_gives_its_numbers_and_a_refusal_no_probability() -> None:
    picture = np.full((200, 100), 90, np.uint8)
    coding, _ = coding_and_device(dicom(picture))
    values = values_of(coding, picture, SAID)
    assert values == {
        "probability": 0.7,
        "familiarity": 0.4,
        "brightness": 90.0,
        "width": 100,
        "height": 200,
        "aspect": 0.5,
        "coding": "DICOM uncompressed",
        "gate": "passed",
    }
    assert {"probability", "familiarity", "triage"}.isdisjoint(values_of(coding, picture, REFUSED))
    assert values_of(coding, picture, REFUSED)["gate"] == "lateral"
    assert values_of(coding, picture, replace(SAID, triage="likely"))["triage"] == "likely"


def test_the_brightness_of_a_large_picture_is_nearly_that_of_all_its_pixels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (3000, 2500), dtype=np.uint8)
    picture[:1500] //= 2
    assert brightness_of(picture) == pytest.approx(picture.mean(), abs=2)


def test_a_reference_has_the_counts_of_the_pictures_and_lacks_what_none_has() -> None:
    picture = np.full((200, 100), 90, np.uint8)
    found = reference_of([values_of("PNG", picture, said) for said in (SAID, SAID, REFUSED)])
    assert "triage" not in found
    assert sum(found["probability"].counts) == 2
    assert dict(zip(found["gate"].edges, found["gate"].counts, strict=True))["lateral"] == 1


def test_every_readable_file_has_a_coding_of_the_list() -> None:
    found = {name: coding_and_device(data)[0] for name, data in (rasters() | dicoms() | native_dicoms()).items()}
    assert set(found.values()) <= set(CODINGS)
    assert found["dicom_jpeg"] == "DICOM JPEG"
    assert found["dicom_rle"] == "DICOM RLE"
    assert found["dicom_implicit"] == "DICOM uncompressed"
    for name, data in dicoms().items():
        decode(data)
        assert found[name].startswith("DICOM"), name


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 200, b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM\2\0\1\0ZZ" + b"\xff" * 90]
)
def test_a_damaged_file_is_of_another_coding_and_no_fault(data: bytes) -> None:
    coding, device = coding_and_device(data, {"acme xr 1"})
    assert coding in (OTHER, "DICOM without syntax")
    assert device in (OTHER, None)


def device_in(data: bytes, allowed: Collection[str]) -> str | None:
    return coding_and_device(data, allowed)[1]


def test_a_device_is_named_only_where_the_site_allows_its_name() -> None:
    allowed = {plain(" ACME  XR 1 ")}
    made = {"Manufacturer": "Acme", "ManufacturerModelName": "XR 1"}
    assert device_in(dicom(ramp(), **made), allowed) == "acme xr 1"
    assert device_in(dicom(ramp(), **made), ()) == OTHER
    assert device_in(dicom(ramp(), Manufacturer="Acme", ManufacturerModelName="Erika Mustermann"), allowed) == OTHER
    assert device_in(dicom(ramp()), allowed) == OTHER
    assert device_in(b"\x89PNG\r\n\x1a\n", allowed) is None
