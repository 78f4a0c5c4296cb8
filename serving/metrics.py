"""What Prometheus reads at /metrics. Every label takes its values from a list in the code or from a file that the
service reads at its start, so that no client can make the number of series grow."""

import os
from datetime import date
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

from cxr.inference.site_profile import SiteProfile, Withheld

PICTURES = (1, 2, 4, 8, 16, 32, 64)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class WatchMetrics:
    """What the watch has counted in this worker, and what its last look found (docs/watch.md)."""

    def __init__(self, here: CollectorRegistry) -> None:
        self.counted = Counter(
            "cxr_watch_pictures", "answers by statistic and bin", ["statistic", "bin"], registry=here
        )
        self.failures = Counter("cxr_watch_failures", "faults of counting for the watch", registry=here)
        self.alarm = Gauge(
            "cxr_watch_alarm",
            "1 for a statistic that the last `cxr watch` found to have moved",
            ["statistic"],
            multiprocess_mode="livemax",
            registry=here,
        )
        self.looked_at = Gauge(
            "cxr_watch_last_look_timestamp_seconds",
            "when `cxr watch` looked last; 0: never",
            multiprocess_mode="livemax",
            registry=here,
        )


class SiteMetrics:
    """Of a service that was commissioned for a site."""

    def __init__(self, here: CollectorRegistry) -> None:
        self.withheld = Counter(
            "cxr_withheld_answers", "pictures not classified, as the site's profile says", ["reason"], registry=here
        )
        for reason in get_args(Withheld):
            self.withheld.labels(reason)  # from 0 on, so that the first one is an increase
        self._valid_until = Gauge(
            "cxr_site_valid_until_timestamp_seconds",
            "the end of the last day on which the site's commissioning is valid, in UTC",
            ["site"],
            multiprocess_mode="livemin",
            registry=here,
        )

    def show(self, site: SiteProfile) -> None:
        """Tell until when the site's commissioning is valid."""
        last = date.fromisoformat(site.commissioned.valid_until)
        days = last.toordinal() + 1 - date(1970, 1, 1).toordinal()  # no datetime has the day after 9999-12-31
        self._valid_until.labels(site.site).set(days * 24 * 3600)


class OutcomeMetrics:
    """What outcomes say of the model that answers, as the store has it (docs/outcomes.md)."""

    def __init__(self, here: CollectorRegistry) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(name, what, labels, multiprocess_mode="livemostrecent", registry=here)

        self.failures = Counter("cxr_outcomes_failures", "faults of keeping answers for outcomes", registry=here)
        self.answers = gauge("cxr_outcomes_answers", "answers that are kept, by outcome", "outcome")
        self.figures = gauge(
            "cxr_outcomes_figure", "a live share, corrected: its value and the ends of its interval", "figure", "of"
        )
        self.limits = gauge(
            "cxr_outcomes_limit_broken", "1 where a figure's whole interval is beyond the site's limit", "figure"
        )


class Metrics:
    """Counts of one worker; `page` adds up those of all workers."""

    def __init__(self) -> None:
        here = CollectorRegistry()
        self._registry = here
        self.requests = Counter("cxr_requests", "requests by route and HTTP status", ["route", "status"], registry=here)
        self.errors = Counter("cxr_errors", "error answers by route and code", ["route", "code"], registry=here)
        self.seconds = Histogram("cxr_request_seconds", "request to answer", ["route"], buckets=SECONDS, registry=here)
        self.answers = Counter("cxr_answers", "pictures by the state that was answered", ["state"], registry=here)
        self.refusals = Counter("cxr_refusals", "refused pictures by reason", ["reason"], registry=here)
        self.batch = Histogram("cxr_batch_pictures", "pictures of a batch", buckets=PICTURES, registry=here)
        self.in_progress = Gauge(
            "cxr_requests_in_progress", "being answered", multiprocess_mode="livesum", registry=here
        )
        self.unsound = Counter("cxr_unsound_answers", "answers that were none and were withheld", registry=here)
        self.site = SiteMetrics(here)
        self._failed_looks = Counter("cxr_follow_failures", "looks for another model that failed", registry=here)
        self._last_look = Gauge(
            "cxr_follow_last_success_timestamp_seconds",
            "when a worker last looked for another model without a fault; the oldest of all workers",
            multiprocess_mode="livemin",
            registry=here,
        )
        self._model = Gauge(
            "cxr_model_info",
            "1 for the model that answers, 0 for one that did",
            ["name", "version", "backbone"],
            multiprocess_mode="livemax",
            registry=here,
        )
        self.watch = WatchMetrics(here)
        self.outcomes = OutcomeMetrics(here)
        self._shown: dict[str, str] | None = None

    def show_model(self, identity: dict[str, str]) -> None:
        """Set cxr_model_info to 1 for this model and to 0 for the one before. identity: its name, version, backbone."""
        if self._shown is not None:
            self._model.labels(**self._shown).set(0)
        self._model.labels(**identity).set(1)
        self._shown = identity

    def show_look(self, well: bool) -> None:
        """Count a look for another model."""
        if well:
            self._last_look.set_to_current_time()
        else:
            self._failed_looks.inc()

    async def page(self, request: Request) -> Response:
        return Response(self._text(), media_type=CONTENT_TYPE_LATEST)

    def _text(self) -> bytes:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        all_workers = CollectorRegistry()
        MultiProcessCollector(all_workers)
        return generate_latest(all_workers)
