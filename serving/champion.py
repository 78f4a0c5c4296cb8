"""The model that answers: loaded and warmed up before it is used, replaced only by one that loads."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.errors import CxrError
from cxr.inference.manifest import digest_of
from cxr.inference.model_facts import ModelFacts
from cxr.inference.precision import Chosen
from cxr.inference.predictor import Predictor
from cxr.inference.site_profile import SiteProfile
from serving.site import site_facts

logger = logging.getLogger("bentoml.covid_cxr")


UNSOUND_IN_A_ROW = 3  # answers, after which a model is not asked again where there is another
_LONGEST_PAUSE = 64  # looks between two tries of a model that could not be loaded and whose files are unchanged
_Files = tuple[tuple[str, int, int], ...]


class Champion:
    """find: the folder of the bundle that is meant now; raises CxrError where there is none, as a bad bundle does.
    threads, precision: as cxr.inference.engine.Engine takes them. site: the profile under which it answers; a model
    that the profile is not for is never taken."""

    def __init__(
        self,
        find: Callable[[], Path],
        threads: int | None = None,
        precision: Chosen = "auto",
        site: SiteProfile | None = None,
    ):
        self.site = site
        self._find = find
        self._threads = threads
        self._precision = precision
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._complaint = ""  # the last one that the log has
        self._refused = Refused()
        self._previous: tuple[Path, Predictor] | None = None
        self._unsound = 0
        self._path = find()
        self.model = self._load(self._path)

    @property
    def facts(self) -> ModelFacts:
        return self.model.facts

    @property
    def identity(self) -> dict[str, str]:
        """What an answer says about the model that gave it."""
        return identity_of(self.model)

    @property
    def ready(self) -> bool:
        """False where the last answers were no answers, and no earlier model could take over."""
        return self._unsound < UNSOUND_IN_A_ROW

    @property
    def following(self) -> bool:
        """False where the last look for another model failed."""
        return not self._complaint

    def follow(
        self, every_s: float, changed: Callable[[], object], looked: Callable[[bool], object] = lambda well: None
    ) -> None:
        """Look for another model every so often, until `stop`, and call `changed` after a swap, `looked` after each
        look: whether it went well.

        A thread, because loading takes seconds of work that must not hold up the answers."""

        def look_again() -> None:
            shown = self.model
            while not self._stopped.wait(every_s):
                self.refresh()
                try:
                    if self.model is not shown:  # also where the earlier one came back
                        changed()
                        shown = self.model
                    looked(self.following)
                except Exception as fault:  # noqa: BLE001 - e.g. a full disk below the metrics; the thread goes on
                    self._complain(f"the metrics cannot be written: {type(fault).__name__}: {fault}")

        threading.Thread(target=look_again, name="follow-model", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def refresh(self) -> bool:
        """Take the model that is meant now; False where that is the old one, or the new one cannot be used."""
        path: Path | None = None
        try:
            path = self._find()
            if path == self._path or self._refused.still(path):
                if path == self._path:
                    self._complaint = ""
                return False
            model = self._load(path)
        except Exception as fault:  # noqa: BLE001 - a store may hold anything; the thread that follows has to go on
            if path is not None:
                self._refused.add(path)
            self._complain(str(fault) if isinstance(fault, CxrError) else f"{type(fault).__name__}: {fault}")
            return False
        with self._lock:
            self._previous = (self._path, self.model)
            self._path, self.model, self._unsound = path, model, 0
        if not self._refused.is_of(path):  # a model that loads may still give no sound answers, again and again
            self._refused = Refused()
        self._complaint = ""
        return True

    def note(self, model: Predictor, *, sound: bool) -> None:
        """Tell of an answer by `model`. After UNSOUND_IN_A_ROW that are none, the model before comes back."""
        if sound and not self._unsound:
            return
        with self._lock:
            if model is not self.model:
                return
            self._unsound = 0 if sound else self._unsound + 1
            if self.ready or self._previous is None:
                return
            self._refused.add(self._path)
            (self._path, self.model), self._previous, self._unsound = self._previous, None, 0
            self._complaint = f"model {model.facts.version} gives no sound answers"
        logger.error("%s; %s answers again", self._complaint, self.facts.version)

    def _complain(self, what: str) -> None:
        if what != self._complaint:
            self._complaint = what
            logger.error("%s; model %s goes on answering", what, self.facts.version)

    def _load(self, path: Path) -> Predictor:
        if self.site is not None:
            self.site.require_model(digest_of(path), str(path))
        model = Predictor.load(path, precision=self._precision, latency=True, threads=self._threads)
        engine = model.engine
        facts = model.facts
        engine.predict(
            np.zeros((1, engine.image_size, engine.image_size), np.uint8)
        )  # the first prediction is a slow one
        logger.info("model %s %s is ready in %s", facts.name, facts.version, engine.precision)
        return model


class Refused:
    """A model that could not be used, or gave no sound answers. It is tried again when its files change, and otherwise
    ever more rarely: what was wrong may have been the machine, such as no file handles left."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._files: _Files = ()
        self._looks = 0
        self._pause = 1

    def is_of(self, path: Path) -> bool:
        """Whether it is this folder that was refused last."""
        return path == self._path

    def add(self, path: Path) -> None:
        files = _files_in(path)
        again = (path, files) == (self._path, self._files)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if again else 1
        self._path, self._files, self._looks = path, files, 0

    def still(self, path: Path) -> bool:
        """Whether this look passes the model by."""
        if path != self._path or _files_in(path) != self._files:
            return False
        self._looks += 1
        return self._looks <= self._pause


def _files_in(folder: Path) -> _Files:
    try:
        stats = [(file.name, file.stat()) for file in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def identity_of(model: Predictor) -> dict[str, str]:
    return {"name": model.facts.name, "version": model.facts.version, "backbone": model.facts.backbone}


def stated_facts(champion: Champion) -> dict[str, Any]:
    """What the service tells about the model that answers."""
    engine = champion.model.engine
    facts = public_facts(champion.facts.document) | {"precision": engine.precision, "checked": engine.checked}
    return facts if champion.site is None else facts | {"site": site_facts(champion.site)}


def public_facts(value: Any) -> Any:
    """The facts without what only means something on the machine that made them: absolute paths."""
    if isinstance(value, dict):
        return {key: public_facts(inner) for key, inner in value.items() if not _is_local(inner)}
    if isinstance(value, list):
        return [public_facts(inner) for inner in value if not _is_local(inner)]
    return value


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("/", "file:", "~", "sqlite:"))
