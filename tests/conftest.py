"""What several test modules share: a tiny model, made once."""

from pathlib import Path

import pytest

from tests.tiny import tiny_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model that `Engine.load` reads, for pictures of side 32. Not to be changed: copy it first."""
    return tiny_bundle(tmp_path_factory.mktemp("model") / "bundle")
