"""The page of bench-serve from figures made up here."""

from benchmarks.serve_table import LATENCY, THROUGHPUT, table


def point(clients: int, answers: int = 10) -> dict:
    return {"clients": clients, "answers": answers, "per_second": 12.34, "median_ms": 56.7, "p95_ms": 89.1}


RESULT = {
    "what": {"date": "2026-01-02", "machine": "2 cores", "python": "3.11.7", "load_average_at_start": 0.1},
    "precision": "int8",
    "ratios": {THROUGHPUT: 6.04, LATENCY: 0.215},
    "memory": {"ours": {"resident_mib": 260, "requests": 20_000, "growth_percent": -0.26}},
    "start_to_ready_s": {"ours": 5.31, "bare BentoML": 4.2},
    "overload": {"answers": 300, "turned_away": 2000, "failed": 0, "p95_ms": 1934.7, "recovery_s": 0.03},
    "two_ways": {
        "what": {"date": "2026-01-03", "machine": "4 cores", "load_average_at_start": 0.2},
        "ratios": {"median latency of one client, native to /predict": 1.034, "processor time": 1.2},
        "one_client": {"native": [point(1)] * 3},
    },
    "precisions": {"int8": [point(1), point(8)], "f32": [point(1), point(8, answers=0)]},
    "batching": {"alone": [point(1), point(2)], "batched": [point(1), point(2)]},
}


def test_every_figure_stands_beside_what_was_wanted() -> None:
    page = table(RESULT)
    for line in (
        "| throughput at 8 clients, ours to the original's way | ≥ 5× | 6.0× |",
        "| median latency of one client, the same | ≤ 1/3 | 0.21 |",
        "| – growth over 20,000 requests | ≤ 5 % | -0.3 % |",
        "| 64 clients at once: neither 200 nor 503 | 0 | 0 of 2,300 |",
        "| median latency of one client, native to /predict | ≤ 1.1 | 1.03 |",
        "| f32 | 12.3/s, 57 ms, 89 ms | none |",
        "| clients | alone | batched |",
        "| 2 | 12.3/s, 57 ms, 89 ms | 12.3/s, 57 ms, 89 ms |",
    ):
        assert line in page.splitlines()
