"""Write the figures of bench-serve as a Markdown page: what was wanted, what was measured, the curves of batching."""

from collections.abc import Iterator
from typing import Any

Result = dict[str, Any]
THROUGHPUT = "throughput at 8 clients, ours to original"
LATENCY = "median latency of one client, ours to original"


def table(result: Result) -> str:
    parts = [_head(result), _wanted(result), _two_ways(result), _precisions(result), _curves(result)]
    return "\n".join([line for part in parts for line in (*part, "")])


def _head(result: Result) -> Iterator[str]:
    what = result["what"]
    yield "# What `make bench-serve` measured"
    yield ""
    yield f"{what['date']}, {what['machine']}, Python {what['python']}."
    yield f"Load average {what['load_average_at_start']} at the start, of others' work; servers took turns."
    yield "InceptionV3 at 299 by 299 is asked about a JPEG of 1024 by 1024 and answers in"
    yield f"{result['precision']}; the original's way works at 224 by 224 in Keras' float32. More: serve.json."


def _wanted(result: Result) -> Iterator[str]:
    ratios = result["ratios"]
    memory = result["memory"]
    start = result["start_to_ready_s"]
    crowd = result["overload"]
    rows = [
        ("throughput at 8 clients, ours to the original's way", "≥ 5×", f"{ratios[THROUGHPUT]:.1f}×"),
        ("median latency of one client, the same", "≤ 1/3", f"{ratios[LATENCY]:.2f}"),
        ("resident memory of a worker", "≤ 500 MiB", f"{memory['ours']['resident_mib']} MiB"),
        (
            f"– growth over {memory['ours']['requests']:,} requests",
            "≤ 5 %",
            f"{memory['ours']['growth_percent']:.1f} %",
        ),
        ("start to ready", "≤ 8 s", f"{start['ours']:.1f} s (bare BentoML {start['bare BentoML']:.1f} s)"),
        ("64 clients at once: neither 200 nor 503", "0", f"{crowd['failed']} of {_asked(crowd):,}"),
        ("– p95 of the answers", "bounded", f"{crowd['p95_ms']:,.0f} ms"),
        ("– recovery", "≤ 2 s", f"{crowd['recovery_s']:.2f} s"),
    ]
    yield "| what | wanted | measured |"
    yield "|---|---|---|"
    yield from (f"| {what} | {wanted} | {measured} |" for what, wanted, measured in rows)


def _asked(crowd: dict[str, Any]) -> int:
    return crowd["answers"] + crowd["turned_away"] + crowd["failed"]


def _two_ways(result: Result) -> Iterator[str]:
    ways = result["two_ways"]
    what = ways["what"]
    rounds = len(ways["one_client"]["native"])
    yield f"POST /predict against BentoML's own method at /api/predict, with the same form: {what['date']},"
    yield f"{what['machine']}, load average {what['load_average_at_start']} at the start, median of {rounds} rounds."
    yield ""
    yield "| what | wanted | measured |"
    yield "|---|---|---|"
    yield from (
        f"| {name} | ≤ 1.1 | {ratio:.2f} |" for name, ratio in ways["ratios"].items() if "processor" not in name
    )


def _precisions(result: Result) -> Iterator[str]:
    yield "| precision | one client: answers a second, median, p95 | eight clients |"
    yield "|---|---|---|"
    for name, (one, eight) in result["precisions"].items():
        yield f"| {name} | {_load(one)} | {_load(eight)} |"


def _curves(result: Result) -> Iterator[str]:
    names = list(result["batching"])
    yield f"| clients | {' | '.join(names)} |"
    yield "|---|" + "---|" * len(names)
    for points in zip(*result["batching"].values(), strict=True):
        yield f"| {points[0]['clients']} | {' | '.join(map(_load, points))} |"


def _load(point: dict[str, Any]) -> str:
    if not point["answers"]:
        return "none"
    return f"{point['per_second']:.1f}/s, {point['median_ms']:.0f} ms, {point['p95_ms']:.0f} ms"
