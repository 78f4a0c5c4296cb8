"""Keras backbones as trunks. Each owns its scaling: it takes grey pixels from 0 to 255.

Everything later runs on the exported trunk (cxr/networks/keras_export.py).
"""

import re
import urllib.error
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import ModelError
from cxr.networks.keras_export import start_keras
from cxr.networks.registry import Backbone, spec_of
from cxr.networks.unet import SEGMENTER


def build_trunk(
    backbone: Backbone, image_size: int, weights: str, seed: int, cut: str = "", lungs: Path | None = None
) -> Any:
    """The frozen convolutional part as a keras.Model: float32[n, size, size, 1] in 0..255 to [n, h, w, c].

    weights: "imagenet", "random" (drawn from `seed`), or the path of a Keras weights file. cut: the layers after
    which the trunk ends, joined by "+", their maps side by side and then averaged over squares of 2 by 2 locations;
    "" for the whole trunk. lungs: the folder of a lung segmenter by which the map is weighted
    (cxr/networks/lung_attention.py); None looks at the whole picture. Raises ModelError where the weights cannot be
    had or do not fit, there is no such layer, or no such segmenter.
    """
    start_keras()
    import keras

    spec = spec_of(backbone)
    if image_size < spec.min_image_size:
        raise ModelError(f"pixels.image_size is {image_size}; {backbone} needs at least {spec.min_image_size}")
    keras.utils.set_random_seed(seed)  # "random" weights are part of the recipe, so they must repeat
    base = _with_weights(spec.construct, backbone, image_size, weights)
    if cut:
        base = _cut_after(base, cut, backbone)
    base.trainable = False  # a random head's gradients would wreck the pretrained filters
    grey = keras.Input((image_size, image_size, 1), name="grey")
    channels = keras.layers.Concatenate(name="grey_to_three_channels")([grey, grey, grey])
    scaled = keras.layers.Rescaling(spec.scale, np.array(spec.offset, np.float32), name="scaling")(channels)
    maps = base(scaled)
    if lungs is not None:
        from cxr.networks.lung_attention import weighted_by_lungs

        maps = weighted_by_lungs(grey, maps, lungs)
    if cut:
        maps = keras.layers.AveragePooling2D(2, name="cut_pooling")(maps)
    return keras.Model(grey, maps, name=f"{backbone}_trunk")


def _cut_after(base: Any, cut: str, backbone: Backbone) -> Any:
    """The trunk up to some of its layers, whose maps are put side by side. Deeper layers tell more about ImageNet's
    objects and about a picture's source. An earlier layer's map is larger, hence the averaging."""
    import keras

    maps = {layer.name: layer.output for layer in base.layers if len(getattr(layer.output, "shape", ())) == 4}
    names = cut.split("+")
    for name in names:
        if name not in maps:
            some = ", ".join(_places_to_cut(base))
            raise ModelError(f"features.cut.{backbone}: there is no layer {name!r} with a map; such as {some}, or ''")
        if min(maps[name].shape[1:3]) < 2:
            raise ModelError(f"features.cut.{backbone}: the map of {name!r} is {maps[name].shape[1:3]}; cut earlier")
    sizes = {name: tuple(maps[name].shape[1:3]) for name in names}
    if len(set(sizes.values())) > 1:
        raise ModelError(f"features.cut.{backbone}: maps of {sizes} cannot be put side by side; take equal sizes")
    ends = [maps[name] for name in names]
    end = ends[0] if len(ends) == 1 else keras.layers.Concatenate(name="cut_maps")(ends)
    return keras.Model(base.input, end, name=f"{backbone}_to_{'_'.join(names)}")


def _places_to_cut(base: Any) -> list[str]:
    """The last ends of blocks: layers of several inputs (Inception's and ResNet's) and poolings (VGG's, Xception's),
    less those without a name of their own, which Keras numbers anew in each process."""
    ends = {"Concatenate": "concatenate", "Add": "add", "MaxPooling2D": "max_pooling2d"}
    named = (layer.name for layer in base.layers if not layer.name.startswith(ends.get(type(layer).__name__, "")))
    return list(named)[-6:]


def blocks_of(trunk: Any, backbone: Backbone) -> list[list[Any]]:
    """The trunk's layers, nested ones unrolled, block by block from the picture to the feature map.

    What follows the last block's end counts to that block where it has no weights (a pooling), else it is a block of
    its own.
    """
    end = re.compile(spec_of(backbone).block_end)
    blocks: list[list[Any]] = [[]]
    for layer in leaves(trunk):
        blocks[-1].append(layer)
        if end.fullmatch(layer.name):
            blocks.append([])
    rest = blocks.pop()
    if blocks and not any(layer.weights for layer in rest):
        blocks[-1] += rest
        return blocks
    return [*blocks, rest]


def open_blocks(trunk: Any, backbone: Backbone, count: int) -> None:
    """Let the last `count` blocks be trained, and nothing else.

    BatchNormalization stays frozen there too: its averages over a batch of a few X-rays would replace those of a
    million photographs and take the pretrained filters' inputs away (https://keras.io/guides/transfer_learning,
    "fine-tuning"). Keras runs a frozen one in inference mode. Raises ModelError where there are fewer blocks.
    """
    import keras

    blocks = blocks_of(trunk, backbone)
    if count > len(blocks):
        raise ModelError(f"train.fine_tune is {count}; this {backbone} has {len(blocks)} blocks, give at most so many")
    trunk.trainable = True  # a nested trunk that is frozen as a whole hides its layers' weights
    for segmenter in (layer for layer in trunk.layers if layer.name == SEGMENTER):
        segmenter.trainable = False  # it has learned from masks what lungs are; COVID labels would make it forget
    opened = {id(layer) for block in blocks[len(blocks) - count :] for layer in block}
    for layer in leaves(trunk):
        layer.trainable = id(layer) in opened and not isinstance(layer, keras.layers.BatchNormalization)


def leaves(trunk: Any) -> Iterator[Any]:
    """Every layer of the trunk that holds no others, in order; those of a lung segmenter in it left out."""
    for layer in trunk.layers:
        if layer.name == SEGMENTER:
            continue
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


def _with_weights(construct: Callable[..., Any], backbone: Backbone, image_size: int, weights: str) -> Any:
    source = {"random": None}.get(weights, weights)
    if weights not in ("random", "imagenet") and not Path(weights).is_file():
        raise ModelError(
            f"features.weights.{backbone}: {weights} is no file; give a Keras weights file, 'imagenet' or 'random'"
        )
    try:
        with warnings.catch_warnings():
            # For a file that does not fit Keras warns layer by layer and then raises: one sentence is enough.
            warnings.filterwarnings("ignore", message="Skipping nested container", category=UserWarning)
            return construct(include_top=False, weights=source, input_shape=(image_size, image_size, 3))
    except (ValueError, OSError) as fault:  # h5py says raises an OSError for a damaged file
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


def weights_fingerprint(weights: str, seed: int) -> str:
    """What tells one set of weights from another: the file's hash, or the name (with the seed of random ones)."""
    if weights == "imagenet":
        return weights
    return f"random-{seed}" if weights == "random" else sha256_of(Path(weights))


def layer_table(trunk: Any) -> list[dict[str, Any]]:
    """Name, type and output shape (h, w, c) of every layer, nested trunks unrolled, in order; for the picture."""
    rows: list[dict[str, Any]] = []
    for layer in leaves(trunk):
        shape = layer.output.shape if not isinstance(layer.output, list) else layer.output[0].shape
        rows.append({"name": layer.name, "type": type(layer).__name__, "output_shape": list(shape[1:])})
    return rows
