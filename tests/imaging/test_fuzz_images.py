"""The fuzz target itself, and a short run of it."""

import random

import pytest

from tests.fuzz import fuzz_images
from tests.fuzz.mutations import mutated


def test_an_inputs_number_and_seed_make_its_bytes():
    assert fuzz_images.input_bytes(3, 17) == fuzz_images.input_bytes(3, 17)
    assert fuzz_images.input_bytes(3, 17) != fuzz_images.input_bytes(4, 17)


def test_mutations_change_nearly_every_file():
    sample = bytes(range(256)) * 4
    assert sum(mutated(random.Random(seed), [sample]) != sample for seed in range(100)) > 90


def test_an_exception_of_another_kind_is_a_failure(monkeypatch):
    def decode_badly(_data):
        raise KeyError("anything")

    monkeypatch.setattr(fuzz_images, "decode", decode_badly)
    tally = fuzz_images.Tally()
    fuzz_images.run_one(1, 0, tally)
    assert tally.outcomes == {"failure": 1}
    assert "KeyError" in tally.failures[0]


@pytest.mark.slow
def test_2000_mutated_files_are_decoded_or_refused():
    tally = fuzz_images.fuzz(inputs=2000, seed=5, processes=2)
    assert tally.failures == []
    assert sum(tally.outcomes.values()) == 2000
    assert {"decoded", "corrupt", "unsupported", "not_a_picture"} <= tally.outcomes.keys()
