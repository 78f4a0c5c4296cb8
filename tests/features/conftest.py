import pytest

from tests.features.fake_trunk import Pictures
from tests.labelled import pictures


@pytest.fixture
def many() -> Pictures:
    return Pictures(pictures(70, image_size=16))
