"""A BentoML store of a test's own, in this process."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def own_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """BentoML finds its stores once in a process; inside the block it is told of another folder."""
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models import ModelStore

    (home / "models").mkdir(parents=True)
    monkeypatch.setenv("BENTOML_HOME", str(home))
    BentoMLContainer.model_store.set(ModelStore(home / "models"))
    try:
        yield home
    finally:
        BentoMLContainer.model_store.reset()
