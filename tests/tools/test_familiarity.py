"""Each way tells pictures of another source from known ones."""

import numpy as np
import pytest

from cxr.unseen.plan import plan_folds
from cxr.unseen.training import FoldPictures
from tests.unseen.made import BOTH, columns
from tools.familiarity import WAYS, _judged


@pytest.mark.parametrize("name", WAYS)
def test_a_source_with_a_channel_of_its_own_is_told(name: str) -> None:
    images = columns(dict.fromkeys(("a", "b", "c", "d"), BOTH))
    rng = np.random.default_rng(4)
    means = rng.uniform(1, 1.1, (len(images.labels), 80)).astype(np.float32)
    for number, source in enumerate(("a", "b", "c", "d")):
        means[images.of_source == source, number] += 9
    found = _judged(WAYS[name], means, FoldPictures(None, images), list(plan_folds(images).folds))  # type: ignore[arg-type]
    assert found["auc"] > 0.99
    assert found["warned_known"] < 0.15
    assert found["warned_unseen"] > 0.9
