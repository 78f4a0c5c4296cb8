"""The Python interface: `model = cxr.load("covid-cxr")`, then `model.predict("picture.dcm")`.

It answers as the service and the command line do: the same decoding, gate, threshold and warnings.
"""

import html
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cxr.common.errors import ImageError, ModelError
from cxr.common.parallel import bar
from cxr.imaging.decode import decode
from cxr.imaging.preview import as_png
from cxr.inference.answer import Answer, answer
from cxr.inference.model_facts import ModelFacts
from cxr.inference.model_store import stored_bundle
from cxr.inference.precision import Chosen
from cxr.inference.predictor import Predictor

if TYPE_CHECKING:
    from PIL.Image import Image

FACTS_FILE = "model.json"
REGISTRY = "models:/"
SHOWN_SIDE = 320  # pixels of a picture in a notebook

Picture: TypeAlias = "str | Path | bytes | np.ndarray | Image"


@dataclass(frozen=True)
class Prediction:
    """The answer about one picture. name: of its file, or "". picture: uint8[h, w], as it was decoded.

    `print` says it in one sentence, `to_dict` gives the fields of the service's answer, a notebook shows the
    picture with its heat map.
    """

    name: str
    answer: Answer
    picture: np.ndarray

    @property
    def state(self) -> str:
        """COVID, NonCOVID or Refused."""
        return self.answer.state

    @property
    def percentage(self) -> float | None:
        """Of `state`, 0 to 100; None where it is Refused."""
        return self.answer.percentage

    def to_dict(self) -> dict[str, Any]:
        """The fields of `POST /predict`; those that do not apply are left out."""
        fields = asdict(self.answer)
        optional = ("heatmap", "lung_share", "familiarity", "reason", "triage", "site", "profile")
        return {name: value for name, value in fields.items() if name not in optional or value is not None}

    def __str__(self) -> str:
        said = self.answer
        if said.reason is not None:
            return f"{self.name}: refused, {said.reason.message}".removeprefix(": ")
        codes = ", ".join(warning.code for warning in said.warnings)
        warned = f"; warnings: {codes}" if codes else ""
        text = f"{self.name}: {said.state} {said.percentage:.1f} %{warned}. Not a medical device."
        return text.removeprefix(": ")

    def _repr_html_(self) -> str:
        """What Jupyter shows: the picture, the heat map over it where there is one, and the sentence."""
        shown = as_png(self.picture, SHOWN_SIDE)
        style = "position:absolute;inset:0;width:100%;height:100%"
        heat = self.answer.heatmap
        over = (
            f'<img alt="heat map: orange speaks for COVID, blue against" style="{style}" src="{heat}">' if heat else ""
        )
        sentences = "".join(f"<li>{html.escape(warning.message)}</li>" for warning in self.answer.warnings)
        return (
            f'<figure style="margin:0;max-width:{SHOWN_SIDE}px"><div style="position:relative">'
            f'<img alt="X-ray" style="width:100%;display:block" src="{shown}">{over}</div>'
            f"<figcaption>{html.escape(str(self))}<ul>{sentences}</ul></figcaption></figure>"
        )


@dataclass(frozen=True)
class Unread:
    """A picture of `Model.predict_many` that could not be read. code: for programs, as the service's; message: why."""

    name: str
    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}

    def __str__(self) -> str:
        return f"{self.name}: not read, {self.message}".removeprefix(": ")


class Model:
    """A model that answers. `load` makes it."""

    def __init__(self, predictor: Predictor, folder: "tempfile.TemporaryDirectory[str] | None" = None):
        """folder: of the files, where they go with the model."""
        self._predictor = predictor
        self._folder = folder

    @property
    def facts(self) -> ModelFacts:
        """What the model says of itself: name, version, threshold, and `document` with all that was measured."""
        return self._predictor.facts

    def __repr__(self) -> str:
        return f"<cxr.Model {self.facts.name} {self.facts.version[:12]} ({self.facts.backbone})>"

    def predict(self, picture: Picture, *, explain: bool = False) -> Prediction:
        """The answer about one picture: a file's path, a file's bytes, uint8[h, w], or a Pillow image.

        explain: with a heat map. Raises ImageError where the picture cannot be decoded, OSError where the file cannot
        be read, ValueError where an array is not one grey picture.
        """
        name = Path(picture).name if isinstance(picture, str | Path) else ""
        pixels = _decoded(picture)
        return Prediction(name, answer(self._predictor, pixels, explain=explain), pixels)

    def predict_many(
        self, pictures: Iterable[Picture], *, explain: bool = False, progress: bool = True
    ) -> list[Prediction | Unread]:
        """One Prediction a picture, in order, and a Unread for each that cannot be read. progress: with a bar."""
        todo = list(pictures)
        if not progress:
            return [self._tried(picture, explain) for picture in todo]
        with bar(len(todo), "predict") as advance:
            found = []
            for picture in todo:
                found.append(self._tried(picture, explain))
                advance(1)
            return found

    def _tried(self, picture: Picture, explain: bool) -> Prediction | Unread:
        name = str(picture) if isinstance(picture, str | Path) else ""
        try:
            return self.predict(picture, explain=explain)
        except ImageError as fault:
            return Unread(name, fault.code, str(fault))
        except OSError as fault:
            return Unread(name, "unreadable", fault.strerror or type(fault).__name__)


def load(source: str | Path = "covid-cxr", *, precision: Chosen = "auto") -> Model:
    """The model that `source` names, on all cores.

    source: a folder with a model.json; or a model of the BentoML store, "covid-cxr" for its champion or
    "covid-cxr:v3"; or one of MLflow's registry, "models:/covid-cxr@champion" or "models:/covid-cxr/3", which needs the
    extra `train`. precision: f32, bf16, int8, or auto for the fastest that was measured to answer the same.

    Raises ModelError, in one sentence, where there is no such model or its files are damaged.
    """
    text = str(source)
    if text.startswith(REGISTRY):
        return _registered(text, precision)
    path = Path(source)
    if path.name == FACTS_FILE:
        path = path.parent
    folder = path if path.is_dir() else stored_bundle(text)
    return Model(Predictor.load(folder, precision=precision, latency=True))


def _registered(address: str, precision: Chosen) -> Model:
    try:
        from cxr.tracking.registry import fetch_bundle, named_version
    except ModuleNotFoundError as fault:
        raise ModelError(f"{address} needs MLflow ({fault.name} is missing); pip install 'covid-cxr[train]'") from None
    version = named_version(address.removeprefix(REGISTRY))
    folder = tempfile.TemporaryDirectory(prefix="cxr-model-")
    bundle = fetch_bundle(version, Path(folder.name) / "bundle")
    return Model(Predictor.load(bundle, precision=precision, latency=True), folder)


def _decoded(picture: Picture) -> np.ndarray:
    """uint8[h, w]."""
    if isinstance(picture, str | Path):
        return decode(Path(picture).read_bytes())
    if isinstance(picture, bytes):
        return decode(picture)
    pixels = np.asarray(picture if isinstance(picture, np.ndarray) else picture.convert("L"))
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"a picture as an array is uint8[height, width], got {pixels.dtype}{list(pixels.shape)}")
    return pixels
