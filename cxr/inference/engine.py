"""The model that answers: an exported trunk, a linear head, a temperature and a threshold, in one folder.

A bundle is a folder with trunk.xml and trunk.bin (OpenVINO), head.npz, model.json (the facts), and where it was made
the trunk in eight-bit integers, int8.xml and int8.bin. The stages, the command line and the service all answer
through `Engine`; that is what makes them agree.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import ModelError, UnsoundError
from cxr.common.usage_reports import switch_off
from cxr.inference.calibration import calibrated
from cxr.inference.head import Head
from cxr.inference.manifest import FILE as MANIFEST
from cxr.inference.manifest import check_files
from cxr.inference.model_facts import ModelFacts
from cxr.inference.precision import Chosen, Precision, best, fastest_float

BUNDLE_FILES = ("trunk.xml", "trunk.bin", "head.npz", "model.json")
INT8_FILES = ("int8.xml", "int8.bin")  # not in every bundle
# What the other stages add to what training made, where they could be taught: none of it is needed for an answer.
PARTS = ("gate.npz", "lungs.xml", "lungs.bin", "familiarity.npz")
_BATCH = 8  # images a request: enough to fill the cores, small enough to keep activations in the cache


def trunk_file(directory: Path, precision: Precision) -> Path:
    """Of a bundle's or a trunk's folder, the model that runs in this precision."""
    return directory / ("int8.xml" if precision == "int8" else "trunk.xml")


def batches_of(items: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures, or what belongs to pictures, by as many as a trunk is asked about at once."""
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


class Trunk:
    """A compiled trunk: uint8[n, size, size] to float32[n, h, w, c].

    precision: "f32" is exact. "int8" is of a quantised model, whose other layers run in the faster floating point.
    threads: of the processor's cores; None for all.
    """

    def __init__(self, path: Path, precision: Precision = "f32", *, latency: bool = False, threads: int | None = None):
        switch_off()
        import openvino as ov

        self._path = path
        core = ov.Core()
        options: dict[str, str | int] = {
            "PERFORMANCE_HINT": "LATENCY" if latency else "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": fastest_float() if precision == "int8" else precision,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            self._model = core.compile_model(core.read_model(path), "CPU", options)
            self.image_size = int(self._model.input().partial_shape[1].get_length())
            self.shape: tuple[int, int, int] = tuple(
                int(d.get_length()) for d in list(self._model.output().partial_shape)[1:]
            )  # type: ignore[assignment]
        except RuntimeError as fault:
            raise ModelError(f"{path} is not a readable OpenVINO model ({_reason(fault)})") from None
        self._idle: deque[Any] = deque()
        # The first array that OpenVINO takes sets up its bridge to numpy. Two threads that come first together
        # wait for each other for good: one holds that set-up, the other the interpreter's lock.
        self(np.zeros((1, self.image_size, self.image_size), np.uint8))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """One batch at once; thread-safe, each call owns a request while it lasts.

        Requests are used again: OpenVINO keeps some kilobytes of each that was ever made.
        """
        self.check(pixels)
        try:
            request = self._idle.pop()
        except IndexError:  # as many as there are calls at once
            request = self._model.create_infer_request()
        try:
            return request.infer(pixels[..., None])[0]  # a copy: the request's own memory is overwritten next time
        finally:
            self._idle.append(request)

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Feature maps float32[n, h, w, c] of many batches, in their order, all cores busy.

        Plain threads that each wait for a request of their own: unlike OpenVINO's asynchronous queue they keep
        the order, and no callback is left over when they end.
        """
        at_once = int(self._model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        waiting: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(at_once) as pool:
            for batch in batches:
                waiting.append(pool.submit(self, batch))
                if len(waiting) > at_once:  # one ahead, so that no thread idles while the caller works
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def feature_maps(self, pixels: np.ndarray) -> np.ndarray:
        """float32[n, h, w, c] of uint8[n, size, size], in order."""
        self.check(pixels)
        out = np.empty((len(pixels), *self.shape), np.float32)
        for number, maps in enumerate(self.stream(batches_of(pixels))):
            out[number * _BATCH : number * _BATCH + len(maps)] = maps
        return out

    def identity(self) -> str:
        """The hash of its files: two trunks that share it say the same of every picture, as far as OpenVINO does."""
        return "-".join(sha256_of(file)[:32] for file in (self._path, self._path.with_suffix(".bin")))

    def check(self, pixels: np.ndarray) -> None:
        """Raises ValueError where `pixels` are not what the trunk takes."""
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[1:] != (self.image_size, self.image_size):
            raise ValueError(
                f"pixels are {pixels.dtype}{pixels.shape}, the trunk takes uint8[n, s, s] with s = {self.image_size}"
            )


class Engine:
    """A loaded bundle. facts: what model.json says. precision: what the trunk runs in. checked: whether the bundle had
    a manifest that its files agree with."""

    def __init__(
        self, trunk: Trunk, head: Head, facts: ModelFacts, precision: Precision = "f32", *, checked: bool = False
    ):
        self.checked = checked
        self.trunk = trunk
        self.head = head
        self.facts = facts
        self.precision = precision

    @classmethod
    def load(
        cls, directory: Path, *, precision: Chosen = "f32", latency: bool = False, threads: int | None = None
    ) -> "Engine":
        """precision: "f32" is what models are tested in; "auto" is the fastest that was measured to answer the same
        (cxr/inference/precision.py). Raises ModelError that names what is missing or does not fit together."""
        directory = Path(directory)
        missing = [name for name in BUNDLE_FILES if not (directory / name).is_file()]
        if missing:
            raise ModelError(
                f"{directory} lacks {', '.join(missing)}; it is not a complete model; run `dvc repro`, then "
                "`make promote VERSION=…`"
            )
        listed = check_files(directory)
        facts = ModelFacts.read(directory / "model.json")
        _require_whole(directory, facts, listed)
        fixed: Precision = best(facts.precisions) if precision == "auto" else precision
        file = trunk_file(directory, fixed)
        if not file.is_file():
            raise ModelError(f"{directory} has no {file.name}; it cannot run in {fixed}, take auto")
        trunk = Trunk(file, fixed, latency=latency, threads=threads)
        head = Head.load(directory / "head.npz")
        if trunk.shape != head.weights.shape or trunk.image_size != facts.image_size:
            raise ModelError(
                f"{directory}: trunk gives {trunk.shape} at image size {trunk.image_size}, "
                f"head takes {head.weights.shape}, model.json says {facts.image_size}"
            )
        return cls(trunk, head, facts, fixed, checked=listed is not None)

    @property
    def image_size(self) -> int:
        """Pixels of the square that `predict` takes."""
        return self.trunk.image_size

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probability of COVID, float64[n]: the log odds divided by the temperature (Guo et al. 2017).

        Raises UnsoundError where a logit is not finite."""
        if not np.isfinite(logits).all():
            raise UnsoundError(f"model {self.facts.version} gave a logit that is not finite")
        return calibrated(logits, self.facts.temperature)

    def log_odds(self, pixels: np.ndarray) -> np.ndarray:
        """Calibrated log odds of COVID: uint8[n, size, size] to float64[n]."""
        return self.logits(pixels) / self.facts.temperature

    def logits(self, pixels: np.ndarray, progress: Callable[[int], object] = lambda n: None) -> np.ndarray:
        """Log odds of COVID before calibration: uint8[n, size, size] to float64[n]."""
        return np.concatenate([np.empty(0), *map(self.head.logits_of, self.seen(pixels, progress))])

    def seen(self, pixels: np.ndarray, progress: Callable[[int], object] = lambda n: None) -> Iterator[np.ndarray]:
        """What the head sees of pictures uint8[n, size, size], in order: batches of what `Head.seen` gives.
        progress: called with images done."""
        self.trunk.check(pixels)
        for maps in self.trunk.stream(batches_of(pixels)):
            yield self.head.seen(maps)
            progress(len(maps))

    def shares(self, pixels: np.ndarray) -> np.ndarray:
        """Each location's part of the logit, to which the bias adds: uint8[n, size, size] to float64[n, h, w]."""
        return self.head.shares(self.trunk.feature_maps(pixels))

    def predict(self, pixels: np.ndarray, progress: Callable[[int], object] = lambda n: None) -> np.ndarray:
        """Calibrated probability of COVID of each picture: uint8[n, size, size] to float64[n]."""
        return self.probabilities(self.logits(pixels, progress))


def _require_whole(directory: Path, facts: ModelFacts, listed: frozenset[str] | None) -> None:
    """Raises ModelError where the bundle lost its manifest or gate, or has a file that its manifest does not know."""
    if listed is None and facts.sealed:
        raise ModelError(f"{directory} lacks {MANIFEST}, which its model.json tells of; register the model again")
    if "gate" in facts.document and not (directory / "gate.npz").is_file():
        raise ModelError(f"{directory} lacks gate.npz, which its model.json tells of; register the model again")
    names = (*BUNDLE_FILES, *INT8_FILES, *PARTS)
    foreign = [] if listed is None else [n for n in names if (directory / n).exists() and n not in listed]
    if foreign:
        raise ModelError(f"{directory} has {', '.join(foreign)}, which {MANIFEST} does not list; register it again")


def _reason(fault: RuntimeError) -> str:
    return (str(fault).strip().splitlines() or ["unknown"])[-1][:200]
