"""Write the figures of a run as a Markdown page: each question, what was wanted, what was measured."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.timed_pipeline import TO_METRICS
from cxr.features.quantization import KEPT_CONVOLUTIONS

Figures = dict[str, dict[str, Any]]
# What is asked, what is wanted, where the figure stands, how it is shown.
Line = tuple[str, str, Callable[[Figures], float], str]

LINES: dict[str, tuple[Line, ...]] = {
    "head": (
        ("head training, flatten", "≤ 120 s", lambda f: f["head"]["flatten"]["seconds"], "{:.0f} s"),
        ("– rows a second", "", lambda f: f["head"]["flatten"]["rows_per_s"], "{:,.0f}"),
        (
            "– all epochs at the median one's speed",
            "",
            lambda f: _quiet_s(f["head"]["flatten"], f["head"]["size"]),
            "{:.0f} s",
        ),
        ("head training, pooled", "≤ 20 s", lambda f: f["head"]["average"]["seconds"], "{:.0f} s"),
        ("– rows a second", "", lambda f: f["head"]["average"]["rows_per_s"], "{:,.0f}"),
    ),
    "trunk": (
        ("trunk, Keras float32, `predict`", "", lambda f: f["trunk"]["images_per_s"]["keras_predict"], "{:.1f}/s"),
        ("trunk, Keras float32, direct call", "", lambda f: f["trunk"]["images_per_s"]["keras_call"], "{:.1f}/s"),
        ("trunk, OpenVINO float32", "", lambda f: f["trunk"]["images_per_s"]["openvino_f32"], "{:.1f}/s"),
        ("trunk, OpenVINO best precision", "", lambda f: _best(f["trunk"]["images_per_s"], f, "openvino_"), "{:.1f}/s"),
        ("– against the faster Keras", "≥ 3×", lambda f: _best(f["trunk"]["ratio_to_keras"], f), "{:.2f}×"),
        ("– least cosine to Keras", "≥ 0.99", lambda f: _best(f["trunk"]["cosine_to_keras"], f)["least"], "{:.4f}"),
        ("– float32, of a matrix product's speed", "", lambda f: _of_the_ceiling(f["trunk"]), "{:.0f} %"),
    ),
    "eight_bits": (
        (
            "eight bits, three convolutions kept, against bf16",
            "",
            lambda f: _kept(f, "times_floating_point"),
            "{:.2f}×",
        ),
        ("– least cosine to float32", "≥ 0.99", lambda f: _kept(f, "least_cosine"), "{:.4f}"),
    ),
    "fine_tuning": (
        ("fine-tuning, float32, the input left out", "", lambda f: _tuned(f, "one_batch_f32"), "{:.1f} images/s"),
        ("– views by a PyDataset's threads", "", lambda f: _tuned(f, "py_dataset_threads_f32"), "{:.1f} images/s"),
        ("– the same, bfloat16", "", lambda f: _tuned(f, "py_dataset_threads_bf16"), "{:.1f} images/s"),
        (
            "– processor time an image, float32",
            "",
            lambda f: f["fine_tuning"]["cpu_ms_per_image"]["py_dataset_threads_f32"],
            "{:.0f} ms",
        ),
        (
            "– the same, bfloat16",
            "",
            lambda f: f["fine_tuning"]["cpu_ms_per_image"]["py_dataset_threads_bf16"],
            "{:.0f} ms",
        ),
    ),
    "growth": (
        ("filling the cache", "", lambda f: f["growth"]["views_per_s"], "{:.1f} views/s"),
        ("10 % more patients, the cache alone", "≤ 20 %", lambda f: 100 * f["growth"]["share"], "{:.0f} %"),
    ),
    "files": (
        ("index", "", lambda f: f["files"]["images_per_s"]["index"], "{:,.0f}/s"),
        ("split", "", lambda f: f["files"]["images_per_s"]["split"], "{:,.0f}/s"),
        ("pixels", "", lambda f: f["files"]["images_per_s"]["pixels"], "{:,.0f}/s"),
        ("index, split and pixels together", "≥ 300/s", lambda f: f["files"]["images_per_s"]["together"], "{:,.0f}/s"),
        ("– processor time an image", "", lambda f: f["files"]["cpu_ms_per_image"]["together"], "{:.1f} ms"),
    ),
    "start": (
        ("slowest start of a stage or of `cxr`", "≤ 1.5 s", lambda f: f["start"]["slowest_s"], "{:.2f} s"),
        ("– processor time of the slowest", "", lambda f: max(f["start"]["cpu_s"].values()), "{:.2f} s"),
    ),
    "pipeline": (
        (
            "the pipeline, raw files to metrics",
            "",
            lambda f: f["pipeline"]["from_nothing"]["seconds"][TO_METRICS],
            "{:,.0f} s",
        ),
        ("– with the evidence", "", lambda f: f["pipeline"]["from_nothing"]["seconds"]["all"], "{:,.0f} s"),
        ("the plain way, training steps", "", lambda f: f["pipeline"]["plain"]["images_per_s"], "{:.1f} images/s"),
        (
            "– all epochs, EXTRAPOLATED",
            "",
            lambda f: f["pipeline"]["plain"]["extrapolated_s"] / 3600,
            "{:.1f} h",
        ),
        ("– against raw files to metrics", "≥ 100×", lambda f: f["pipeline"]["times_faster"][TO_METRICS], "{:.0f}×"),
        ("– against all stages, the evidence included", "", lambda f: f["pipeline"]["times_faster"]["all"], "{:.0f}×"),
        (
            "10 % more patients, raw files to metrics",
            "≤ 20 %",
            lambda f: 100 * f["pipeline"]["growth"]["share"][TO_METRICS],
            "{:.0f} %",
        ),
        ("– all stages", "≤ 20 %", lambda f: 100 * f["pipeline"]["growth"]["share"]["all"], "{:.0f} %"),
        (
            "– all stages, of the processor time",
            "",
            lambda f: 100 * f["pipeline"]["growth"]["share_of_processor_time"]["all"],
            "{:.0f} %",
        ),
    ),
    "scale": (
        ("processor time an image, fewest images", "", lambda f: _cpu(f["scale"]["rows"][0]), "{:.1f} ms"),
        ("– most images", "flat", lambda f: _cpu(f["scale"]["rows"][-1]), "{:.1f} ms"),
        ("peak memory, most images", "≤ 4,096 MiB", lambda f: _peak(f["scale"]["rows"][-1]), "{:,.0f} MiB"),
    ),
}


def _quiet_s(head: dict[str, Any], size: dict[str, Any]) -> float:
    """Seconds of all epochs at the median epoch's speed, which other work on the machine hardly changes."""
    return head["median_epoch_s"] * size["epochs"]


def _best(figures: dict[str, Any], asked: Figures, prefix: str = "") -> Any:
    return figures[prefix + asked["trunk"]["best_precision"]]


def _kept(asked: Figures, figure: str) -> float:
    return asked["eight_bits"]["kept"].get(str(KEPT_CONVOLUTIONS), {}).get(figure, math.nan)


def _tuned(figures: Figures, contestant: str) -> float:
    return figures["fine_tuning"]["images_per_s"][contestant]


def _of_the_ceiling(trunk: dict[str, Any]) -> float:
    return 100 * trunk["gflop_per_s"]["openvino_f32"] / trunk["gflop_per_s_of_a_matrix_product"]["f32"]


def _cpu(row: dict[str, Any]) -> float:
    return sum(row["cpu_ms_per_image"].values())


def _peak(row: dict[str, Any]) -> float:
    return max(row["peak_mib"].values())


def _abilities(machine: dict[str, Any]) -> str:
    """The instructions that make low precisions fast; without them figures of two machines cannot be compared."""
    bf16 = "with" if machine["bf16_instructions"] else "without"
    matrix = "with" if machine["matrix_units"] else "without"
    return f" {bf16} bf16 instructions, {matrix} matrix units (AMX)"


def table(result: dict[str, Any]) -> str:
    return "\n".join(_page(result)) + "\n"


def _page(result: dict[str, Any]) -> Iterator[str]:
    machine = result["machine"]
    figures = {name: answer["figures"] for name, answer in result["questions"].items()}
    yield "# What `make bench` measured"
    yield ""
    yield f"{result['date']}, {machine['cores']} cores of {machine['processor']}{_abilities(machine)}, "
    yield f"{machine['memory_gib']} GiB, Python {machine['python']}; command: `{result['command'].strip()}`."
    yield f"Load average {result['load_average']['before']} before, {result['load_average']['after']} after: "
    yield f"{result['remark']}."
    yield ""
    yield "| what | wanted | measured |"
    yield "|---|---|---|"
    for name, lines in LINES.items():
        if name in figures:
            for what, wanted, figure, shown in lines:
                yield f"| {what} | {wanted} | {shown.format(figure(figures))} |"
    if "pipeline" in figures:
        yield from _stages(figures["pipeline"])
    yield ""
    yield "| question | sizes | took | load before |"
    yield "|---|---|---|---|"
    for name, answer in result["questions"].items():
        sizes = ", ".join(f"{key} {value}" for key, value in answer["figures"]["size"].items())
        yield f"| {name} | {sizes} | {answer['seconds']} s | {answer['load_average_before']} |"


def _stages(pipeline: dict[str, Any]) -> Iterator[str]:
    """Seconds of each stage, from nothing and after patients were added."""
    yield ""
    yield "| stage | for | from nothing | 10 % more patients |"
    yield "|---|---|---|---|"
    grown = pipeline["growth"]["seconds_by_stage"]
    for part, stages in pipeline["from_nothing"]["seconds_by_stage"].items():
        for stage, seconds in stages.items():
            yield f"| {stage} | {part} | {seconds:,.0f} s | {grown[part].get(stage, 0.0):,.0f} s |"
