"""The reference page of the metrics' names, from where they are made."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from cxr.evaluation import metric_catalogue
from cxr.node.metrics import NodeMetrics
from cxr.node.queue import Queue
from serving.metrics import Metrics
from tools.docs_tables import table


def metrics_page() -> str:
    """The series of the service and of the node at /metrics, and the figures of metrics.json."""
    figures = [(f"`{one.name}`", one.label, one.meaning) for one in metric_catalogue.in_tables()]
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Queue(Path(folder))) as queue:
        node = list(_series(NodeMetrics(queue, (), ())))
    return (
        "# Metrics\n\nThe names that Prometheus, metrics.json and MLflow have.\n"
        f"\n## Of the service\n\nAt `/metrics` ([serving](../serving.md#metrics)).\n\n{_table(_series(Metrics()))}"
        f"\n## Of the DICOM node\n\nAt its own `/metrics` ([the node](../node.md)).\n\n{_table(node)}"
        "\n## Of a model\n\nIn metrics.json, and in MLflow by the names in [tracking](../tracking.md).\n\n"
        + table(("name", "in reports", "meaning"), figures)
    )


def _table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    return table(("series", "type", "labels", "meaning"), rows)


def _series(metrics: Metrics | NodeMetrics) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, labels and meaning of each, also of those that have counted nothing yet."""
    for collector in metrics._registry._collector_to_names:  # the public `collect` knows no labels without samples
        (family,) = collector.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"`{name}`", family.type, ", ".join(collector._labelnames), family.documentation
