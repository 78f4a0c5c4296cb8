"""A layered picture of a network: one box for each step in which the shape changes, as visualkeras draws them.

A box's face grows with the square root of its spatial size, its depth with the square root of its channels.
A run of layers of one shape is one box, and so is everything between two joins of parallel branches: the 311
layers of InceptionV3 become some fifteen boxes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cxr.evaluation.plots import DPI

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shape = tuple[int, ...]

INPUT = "Input and scaling"
CONVOLUTION = "Convolution"
OTHER = "Other"
# What a box is, its colour (Okabe and Ito's, lightened), and the types of Keras layers that make it so. A box
# of several layers is the first kind here that any of them has.
KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Branches joined end to end", "#E69F00", ("Concatenate",)),
    ("Branches added", "#CC79A7", ("Add",)),
    (CONVOLUTION, "#56B4E9", ("Conv2D", "SeparableConv2D", "DepthwiseConv2D")),
    ("Dense (softmax)", "#D55E00", ("Dense",)),
    ("Pooling", "#009E73", ("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D")),
    ("Flatten", "#999999", ("Flatten", "Reshape")),
    ("Dropout", "#0072B2", ("Dropout",)),
    (INPUT, "#F0E442", ("InputLayer", "Rescaling", "Normalization")),
    (OTHER, "#CCCCCC", ()),
)
JOINS = ("Concatenate", "Add")
# In units of the drawing; SLANT: of a face's receding edge
TALLEST = 4.2
DEEPEST = 2.0
SLANT = 0.32
GAP = 0.42


@dataclass(frozen=True)
class Box:
    """shape: (height, width, channels) of a feature map, or (values,) of a vector. layers: merged into it.
    steps: joins of branches of this same shape in a row."""

    shape: Shape
    kind: str
    layers: int
    steps: int = 1


def network_figure(layers: Sequence[Mapping[str, Any]], title: str) -> "Figure":
    """layers: in order, each {"name", "type" (Keras' class name), "output_shape" (its first None is the batch)}."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    boxes = merged(layers)
    places, width = _places(boxes)
    figure = Figure(figsize=(max(0.62 * width, 8), 5.4), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for box, x in zip(boxes, places, strict=True):
        _draw(axes, box, x, _scale(boxes))
    axes.set(xlim=(-0.5, width + 0.3), ylim=(-TALLEST / 2 - 1.75, TALLEST * (0.5 + SLANT) + 0.4), aspect="equal")
    axes.set_axis_off()
    present = [(name, colour) for name, colour, _ in KINDS if any(box.kind == name for box in boxes)]
    handles = [Patch(facecolor=colour, edgecolor="black", linewidth=0.6, label=name) for name, colour in present]
    axes.legend(handles=handles, loc="upper right", frameon=False, fontsize=9.5, ncols=2)
    note = "height × width, then channels, then layers in the box; drawn to the square root of size"
    axes.set_title(f"{title}: {len(layers)} layers in {len(boxes)} boxes\n{note}", loc="left", fontsize=10.5)
    return figure


def merged(layers: Sequence[Mapping[str, Any]]) -> list[Box]:
    """The boxes of the picture. Raises ValueError on an empty list."""
    if not layers:
        raise ValueError("a network without layers has no picture")
    singles = [Box(_shape(layer["output_shape"]), _kind(layer["type"]), 1) for layer in layers]
    begin = next((i for i, box in enumerate(singles) if box.kind == CONVOLUTION), len(singles))
    singles[:begin] = [replace(box, kind=INPUT) for box in singles[:begin]]  # one grey channel made three, and so on
    joins = [i for i, layer in enumerate(layers) if i > begin and layer["type"] in JOINS]
    if not joins:
        return _without_others(_runs(singles))
    start = _first_block(singles, joins[0])
    blocks = _equal_blocks(_blocks(singles, start, joins))
    return _without_others(_runs(singles[:start]) + blocks + _runs(singles[joins[-1] + 1 :]))


def _first_block(singles: Sequence[Box], join: int) -> int:
    """Where the branches that the first join joins begin: after the last layer of another spatial size."""
    size = singles[join].shape[:-1]
    return next((i + 1 for i in range(join, -1, -1) if singles[i].shape[:-1] != size), 0)


def _blocks(singles: Sequence[Box], start: int, joins: Sequence[int]) -> list[Box]:
    """One box for each join with all that came since the one before."""
    blocks: list[Box] = []
    for join in joins:
        inside = singles[start : join + 1]
        layers = len(inside)
        if blocks and all(box.kind != CONVOLUTION for box in inside):
            layers += blocks.pop().layers  # joins what was just joined: one block, as in InceptionV3's last two
        blocks.append(replace(singles[join], layers=layers))
        start = join + 1
    return blocks


def _equal_blocks(blocks: Sequence[Box]) -> list[Box]:
    boxes: list[Box] = []
    for block in blocks:
        if boxes and (boxes[-1].shape, boxes[-1].kind) == (block.shape, block.kind):
            boxes[-1] = replace(boxes[-1], layers=boxes[-1].layers + block.layers, steps=boxes[-1].steps + 1)
        else:
            boxes.append(block)
    return boxes


def _runs(singles: Sequence[Box]) -> list[Box]:
    """Layers of one shape in a row as one box; pooling, flattening and dropout stay boxes of their own."""
    apart = {"Pooling", "Flatten", "Dropout", "Dense (softmax)"}
    boxes: list[Box] = []
    for single in singles:
        last = boxes[-1] if boxes else None
        if last and last.shape == single.shape and not {last.kind, single.kind} & apart:
            boxes[-1] = Box(last.shape, min(last.kind, single.kind, key=_rank), last.layers + 1)
        else:
            boxes.append(single)
    return boxes


def _without_others(boxes: Sequence[Box]) -> list[Box]:
    """Padding and lone activations count as layers of the box before where that has their shape, else of the next."""
    kept: list[Box] = []
    waiting = 0
    for i, box in enumerate(boxes):
        if box.kind == OTHER and kept and kept[-1].shape == box.shape:
            kept[-1] = replace(kept[-1], layers=kept[-1].layers + box.layers)
        elif box.kind == OTHER and i + 1 < len(boxes):
            waiting += box.layers
        else:
            kept.append(replace(box, layers=box.layers + waiting))
            waiting = 0
    return kept


def _shape(output_shape: Sequence[int | None]) -> Shape:
    """Without the batch."""
    rest = output_shape[1:] if output_shape and output_shape[0] is None else output_shape
    if not rest or any(size is None for size in rest):
        raise ValueError(f"output shape {tuple(output_shape)} is not known; build the network with its input shape")
    return tuple(int(size) for size in rest if size is not None)


def _kind(layer_type: str) -> str:
    return next((name for name, _, types in KINDS if layer_type in types), OTHER)


def _rank(kind: str) -> int:
    return [name for name, _, _ in KINDS].index(kind)


def _scale(boxes: Sequence[Box]) -> tuple[float, float]:
    """Square roots of the largest spatial size and of the most channels."""
    maps = [box.shape for box in boxes if len(box.shape) == 3] or [(1, 1, 1)]
    return math.sqrt(max(shape[0] for shape in maps)), math.sqrt(max(shape[2] for shape in maps))


def _size(box: Box, scale: tuple[float, float]) -> tuple[float, float, float]:
    """Height, depth (along the network) and receding edge."""
    if len(box.shape) == 3:
        height = TALLEST * math.sqrt(box.shape[0]) / scale[0]
        return height, max(DEEPEST * math.sqrt(box.shape[2]) / scale[1], 0.12), height * SLANT
    # a vector has no spatial size: a bar, longer for more values, thin
    return TALLEST * min(math.log10(box.shape[-1] + 1) / 6, 1), 0.16, 0.12


def _places(boxes: Sequence[Box]) -> tuple[list[float], float]:
    """Left edge of each box and the whole width. A label's width is the least that a box takes."""
    places = []
    x = 0.0
    for box in boxes:
        _, depth, slant = _size(box, _scale(boxes))
        places.append(x)
        x += max(depth + slant * 0.55 + GAP, 1.05)
    return places, x


def _draw(axes: "Axes", box: Box, x: float, scale: tuple[float, float]) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Polygon

    height, depth, slant = _size(box, scale)
    low = -height / 2
    high = height / 2
    colour = to_rgb(next(c for name, c, _ in KINDS if name == box.kind))
    front = [(x, low), (x + depth, low), (x + depth, high), (x, high)]
    top = [(x, high), (x + depth, high), (x + depth + slant, high + slant), (x + slant, high + slant)]
    flank = [(x + depth, low), (x + depth + slant, low + slant), (x + depth + slant, high + slant), (x + depth, high)]
    for corners, light in ((front, 1.0), (top, 1.18), (flank, 0.78)):
        shade = tuple(min(part * light, 1) for part in colour)
        axes.add_patch(Polygon(corners, facecolor=shade, edgecolor="black", linewidth=0.6, joinstyle="round"))
    if box.steps > 1:
        for i in range(1, box.steps):
            at = x + depth * i / box.steps
            axes.plot([at, at], [low, high], color="black", linewidth=0.6, linestyle=(0, (3, 2)))
    _label(axes, box, x + depth / 2)


def _label(axes: "Axes", box: Box, x: float) -> None:
    size = f"{box.shape[0]}×{box.shape[1]}\n{box.shape[2]:,}" if len(box.shape) == 3 else f"{box.shape[-1]:,}\nvalues"
    blocks = f"{box.steps} blocks\n" if box.steps > 1 else ""
    layers = f"{box.layers} layer{'s' if box.layers > 1 else ''}"
    y = -TALLEST / 2 - 0.15
    axes.text(x, y, size, ha="center", va="top", fontsize=9.5, linespacing=1.2)
    axes.text(x, y - 0.85, blocks + layers, ha="center", va="top", fontsize=8, color="#555555", linespacing=1.2)
