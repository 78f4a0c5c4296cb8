"""The BentoML service: BentoML finds the model and runs the workers; what the routes do is in serving/.

Serve with `bentoml serve service:CovidCxr`; the settings are environment variables (docs/serving.md).

The routes are not `@bentoml.api` methods. Those take bodies of any size, log the start of a body that does not
validate, fetch addresses that a client names, and answer errors in four forms.
"""

import os
from pathlib import Path
from typing import Any

import bentoml
from bentoml._internal.utils.analytics import usage_stats

from cxr.common.errors import ModelError
from cxr.common.usage_reports import SWITCHES, switch_off
from serving import store
from serving.app import Front, create_app
from serving.champion import Champion
from serving.connections import limit_connections
from serving.settings import read_settings

switch_off()
usage_stats.do_not_track.cache_clear()  # BentoML asked before it imported this file, and remembers the answer
SETTINGS = read_settings()
FRONT = Front()
WEB = Path(__file__).parent / "clients" / "web"
limit_connections(SETTINGS)


def packed_model() -> str:
    """The tag that `bentoml build` packs. Where no champion is named, as on a bento's machine, the setting as it is."""
    try:
        return store.resolved(SETTINGS.model)
    except ModelError:
        return SETTINGS.model


@bentoml.service(
    name="covid-cxr",
    workers=SETTINGS.processes,
    # numpy's own threads would spin for milliseconds after each dot product, on the cores that the engine needs.
    envs=[
        {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
        {"name": "BENTOML_DO_NOT_TRACK", "value": SWITCHES["BENTOML_DO_NOT_TRACK"]},
    ],
    traffic={
        "timeout": SETTINGS.body_timeout_s + 60
    },  # longer than ours, so that a late request gets the error in our form
    metrics={"enabled": False},  # BentoML's make a series of every path that a client thinks up; ours are bounded
    logging={"access": {"enabled": False}},  # BentoML's write every path; ours writes the route
)
class CovidCxr:
    """COVID-19 against the rest on frontal chest X-rays. Not a medical device."""

    model = bentoml.models.BentoModel(packed_model())  # packed with the bento

    def __init__(self) -> None:
        from serving.metrics import Metrics  # here: BentoML has to set up the workers' common folder before

        champion = Champion(find_model, SETTINGS.engine_threads, SETTINGS.precision)
        metrics = Metrics()
        metrics.show_model(champion.identity)
        if SETTINGS.follow_s:
            champion.follow(SETTINGS.follow_s, lambda: metrics.show_model(champion.identity), metrics.show_look)
        FRONT.app = create_app(SETTINGS, champion, metrics, WEB)
        self._champion = champion

    @bentoml.on_shutdown
    def stop(self) -> None:
        self._champion.stop()


def find_model() -> Path:
    """The folder of the model to serve: the bento's own when a bento is served, else the one that the tag means now."""
    bento = SERVICE.bento
    pinned = [str(model.tag) for model in bento.info.all_models] if bento and "CXR_MODEL" not in os.environ else []
    return store.find((pinned or [SETTINGS.model])[0])


SERVICE: Any = CovidCxr  # a bentoml.Service by now, which type checkers do not see: they skip class decorators
SERVICE.add_asgi_middleware(FRONT.before)
