"""The four trunks that are compared. Each owns its scaling: it takes grey pixels from 0 to 255.

The only module, beside fine-tuning, that needs Keras. Everything later runs on the exported trunk.
"""

import contextlib
import os
import sys
import urllib.error
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cxr.errors import ModelError
from cxr.files import sha256_of
from cxr.params import Backbone
from cxr.telemetry import silence

# Minus the mean of ImageNet's blue, green and red, as VGG16 and ResNet50 were trained (Simonyan & Zisserman 2015).
_IMAGENET_BGR = (-103.939, -116.779, -123.68)
_MINUS_ONE = (-1.0, -1.0, -1.0)


@dataclass(frozen=True)
class BackboneSpec:
    """application: the constructor's name in keras.applications. scale, offset: pixel * scale + offset gives
    what its ImageNet weights were trained on, per channel. min_side: pixels that its pooling needs."""

    application: str
    scale: float
    offset: tuple[float, float, float]
    min_side: int


SPECS: dict[Backbone, BackboneSpec] = {
    "inceptionv3": BackboneSpec("InceptionV3", 1 / 127.5, _MINUS_ONE, min_side=75),
    "vgg16": BackboneSpec("VGG16", 1.0, _IMAGENET_BGR, min_side=32),
    "resnet50": BackboneSpec("ResNet50", 1.0, _IMAGENET_BGR, min_side=32),
    "xception": BackboneSpec("Xception", 1 / 127.5, _MINUS_ONE, min_side=71),
}


def build_trunk(backbone: Backbone, side: int, weights: str, seed: int, cut: str = "") -> Any:
    """The frozen convolutional part as a keras.Model: float32[n, side, side, 1] in 0..255 to [n, h, w, c].

    weights: "imagenet", "random" (drawn from `seed`), or the path of a Keras weights file. cut: the layer after
    which the trunk ends, its map then averaged over squares of 2 by 2 locations; "" for the whole trunk.
    Raises ModelError where the weights can not be had or do not fit, or there is no such layer.
    """
    with _native_messages_dropped():
        import keras

        keras.ops.zeros(1)  # the first operation looks for devices

    spec = SPECS[backbone]
    if side < spec.min_side:
        raise ModelError(f"pixels.side is {side}; {backbone} needs at least {spec.min_side}")
    keras.utils.set_random_seed(seed)  # "random" weights are part of the recipe, so they must repeat
    construct = getattr(keras.applications, spec.application)
    base = _with_weights(construct, backbone, side, weights)
    if cut:
        base = _cut_after(base, cut, backbone)
    base.trainable = False  # a random head's gradients would wreck the pretrained filters
    grey = keras.Input((side, side, 1), name="grey")
    channels = keras.layers.Concatenate(name="grey_to_three_channels")([grey, grey, grey])
    scaled = keras.layers.Rescaling(spec.scale, np.array(spec.offset, np.float32), name="scaling")(channels)
    return keras.Model(grey, base(scaled), name=f"{backbone}_trunk")


def _cut_after(base: Any, cut: str, backbone: Backbone) -> Any:
    """The trunk up to one of its layers. Deeper layers know more of ImageNet's things, and more of where a picture
    comes from; a map of an earlier one is larger, hence the averaging."""
    import keras

    maps = {layer.name: layer.output for layer in base.layers if len(getattr(layer.output, "shape", ())) == 4}
    if cut not in maps:
        some = ", ".join(_places_to_cut(base))
        raise ModelError(f"features.cut.{backbone}: there is no layer {cut!r} with a map; such as {some}, or ''")
    if min(maps[cut].shape[1:3]) < 2:
        raise ModelError(f"features.cut.{backbone}: the map of {cut!r} is {maps[cut].shape[1:3]}; cut earlier")
    pooled = keras.layers.AveragePooling2D(2, name="cut_pooling")(maps[cut])
    return keras.Model(base.input, pooled, name=f"{backbone}_to_{cut}")


def _places_to_cut(base: Any) -> list[str]:
    """The last ends of blocks: layers of several inputs (Inception's and ResNet's) and poolings (VGG's, Xception's),
    less those without a name of their own, which Keras numbers anew in each process."""
    ends = {"Concatenate": "concatenate", "Add": "add", "MaxPooling2D": "max_pooling2d"}
    named = (layer.name for layer in base.layers if not layer.name.startswith(ends.get(type(layer).__name__, "")))
    return list(named)[-6:]


def _with_weights(construct: Callable[..., Any], backbone: Backbone, side: int, weights: str) -> Any:
    source = {"random": None}.get(weights, weights)
    if weights not in ("random", "imagenet") and not Path(weights).is_file():
        raise ModelError(
            f"features.weights.{backbone}: {weights} is no file; give a Keras weights file, 'imagenet' or 'random'"
        )
    try:
        with warnings.catch_warnings():
            # Of a file that does not fit Keras complains layer by layer, and then raises: one sentence is enough.
            warnings.filterwarnings("ignore", message="Skipping nested container", category=UserWarning)
            return construct(include_top=False, weights=source, input_shape=(side, side, 3))
    except (ValueError, OSError) as fault:  # h5py says of a damaged file that it is an OSError
        raise ModelError(
            f"features.weights.{backbone}: {weights} does not fit ({_first_line(fault)}); "
            f"give Keras' weights of {backbone} without its top layers"
        ) from None
    except Exception as fault:
        # Keras wraps a failed download in a bare Exception; only that case is ours to explain.
        if not isinstance(fault.__context__, urllib.error.URLError):
            raise
        raise ModelError(
            f"features.weights.{backbone}: the ImageNet weights could not be downloaded ({fault.__context__.reason}); "
            "connect to the internet, or name a weights file or 'random' in params.yaml"
        ) from None


def _first_line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or ["unreadable file"])[0]


@contextlib.contextmanager
def _native_messages_dropped() -> Iterator[None]:
    """TensorFlow's libraries greet on the standard error of the process, before any setting reaches them, with a
    dozen lines about graphics cards that are not there; an import that fails still raises."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def weights_identity(weights: str, seed: int) -> str:
    """What tells one set of weights from another: the file's hash, or the name (with the seed of random ones)."""
    if weights == "imagenet":
        return weights
    return f"random-{seed}" if weights == "random" else sha256_of(Path(weights))


def export_trunk(trunk: Any, directory: Path) -> None:
    """Write `trunk` as an OpenVINO model, trunk.xml and trunk.bin in `directory`.

    The exported input is uint8[n, side, side, 1], what the pixel store holds and what the service decodes to.
    """
    silence()
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    side = trunk.input_shape[1]
    with warnings.catch_warnings():
        # Keras remarks that the converter hands its one input over in a tuple.
        warnings.filterwarnings("ignore", message="The structure of `inputs`", category=UserWarning)
        converted = ov.convert_model(trunk, input=ov.PartialShape([-1, side, side, 1]))
    steps = PrePostProcessor(converted)
    steps.input().tensor().set_element_type(ov.Type.u8)
    steps.input().preprocess().convert_element_type(ov.Type.f32)
    # Full precision on disk: the precision that it runs in is chosen where it runs.
    ov.save_model(steps.build(), directory / "trunk.xml", compress_to_fp16=False)


def layer_table(trunk: Any) -> list[dict[str, Any]]:
    """Name, type and output shape (h, w, c) of every layer, nested trunks unrolled, in order; for the picture."""
    rows: list[dict[str, Any]] = []
    for layer in trunk.layers:
        if hasattr(layer, "layers"):
            rows.extend(layer_table(layer))
            continue
        shape = layer.output.shape if not isinstance(layer.output, list) else layer.output[0].shape
        rows.append({"name": layer.name, "type": type(layer).__name__, "output_shape": list(shape[1:])})
    return rows
