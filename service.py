"""The BentoML service: BentoML finds the model and runs the workers; what the routes do is in serving/.

Serve with `bentoml serve service:CovidCxr`; the settings are environment variables (docs/serving.md).

The methods are there for BentoML's clients and for services that depend on this one. No request reaches them but
through the front (serving/app.py): BentoML by itself takes bodies of any size, writes files to disk, fetches addresses
that a client names, and answers errors in four forms. The front also answers the routes that BentoML does not know.
"""

import os
from pathlib import Path
from typing import Any

import bentoml
from bentoml._internal.utils.analytics import usage_stats

from cxr.common.errors import ModelError
from cxr.common.usage_reports import SWITCHES, switch_off
from cxr.inference.manifest import digest_of
from serving import store
from serving.answer_types import Answer, ModelInfo, Results
from serving.app import Front, create_app, create_context
from serving.champion import Champion
from serving.connections import limit_connections
from serving.feedback import open_outcomes
from serving.native import Native
from serving.picture_input import Nothing, OnePicture, Picture, Pictures
from serving.routes import ROUTES
from serving.settings import read_settings
from serving.site import keep_to, site_of
from serving.tracing import not_of
from serving.watching import open_recorder, unwatched

switch_off()
usage_stats.do_not_track.cache_clear()  # BentoML asked before it imported this file, and remembers the answer
SETTINGS = read_settings()
SITE = site_of(SETTINGS)
keep_to(SITE)
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
    resources={"cpu": SETTINGS.cores_wanted, "memory": f"{SETTINGS.memory_wanted_gib}Gi"},
    traffic={
        # Longer and more than ours, so that a late request, and one too many, gets the error in our form.
        "timeout": SETTINGS.body_timeout_s + 60,
        "max_concurrency": SETTINGS.max_connections * SETTINGS.processes,
        "concurrency": SETTINGS.requests_wanted,
    },
    metrics={"enabled": False},  # BentoML would make a series of every path; serving/bentoml_metrics.py bounds them
    tracing={"excluded_urls": [not_of(path for path in ROUTES.labels())]},
    logging={"access": {"enabled": False}},  # BentoML's write every path; ours writes the route
)
class CovidCxr:
    """COVID-19 against the rest on frontal chest X-rays. Not a medical device."""

    model = bentoml.models.BentoModel(packed_model())  # packed with the bento

    def __init__(self) -> None:
        from serving.metrics import Metrics  # here: BentoML has to set up the workers' common folder before

        champion = Champion(find_model, SETTINGS.engine_threads, SETTINGS.precision, SITE)
        metrics = Metrics()
        metrics.show_model(champion.identity)
        if SETTINGS.follow_s:
            champion.follow(SETTINGS.follow_s, lambda: metrics.show_model(champion.identity), metrics.show_look)
        self._recorder = open_recorder(SETTINGS, metrics)
        watch = self._recorder.start().note if self._recorder else unwatched
        self._outcomes = open_outcomes(SETTINGS, metrics, champion)
        outcomes = self._outcomes.start() if self._outcomes else None
        context = create_context(SETTINGS, champion, metrics, behind=FRONT.behind, watch=watch, outcomes=outcomes)
        FRONT.app = create_app(context, WEB)
        self._champion = champion
        self._native = Native(context)

    @bentoml.api(route="/api/predict", input_spec=OnePicture)
    async def predict(self, image: Picture, explain: bool = False) -> Answer:
        """Ask about one picture: the answer of POST /predict."""
        return await self._native.predict(image, explain)

    @bentoml.api(route="/api/predict_batch", input_spec=Pictures)
    async def predict_batch(self, images: list[Picture], explain: bool = False) -> Results:
        """Ask about several pictures: a result for each, in order; one that fails does not fail the others."""
        return await self._native.predict_batch(images, explain)

    @bentoml.api(route="/api/model_info", input_spec=Nothing)
    async def model_info(self) -> ModelInfo:
        """The facts about the model that answers."""
        return await self._native.model_info()

    @bentoml.on_deployment
    def require_model_of_site() -> None:
        """Before the workers start, since one that can not is started again for ever."""
        if SITE is not None:
            folder = find_model()
            SITE.require_model(digest_of(folder), str(folder))

    @bentoml.on_shutdown
    def stop(self) -> None:
        self._champion.stop()
        if self._recorder:
            self._recorder.stop()
        if self._outcomes:
            self._outcomes.stop()


def find_model() -> Path:
    """The folder of the model to serve: the bento's own when a bento is served, else the one that the tag means now."""
    bento = SERVICE.bento
    pinned = [str(model.tag) for model in bento.info.all_models] if bento and "CXR_MODEL" not in os.environ else []
    return store.find((pinned or [SETTINGS.model])[0])


SERVICE: Any = CovidCxr  # a bentoml.Service by now, which type checkers do not see: they skip class decorators
SERVICE.add_asgi_middleware(FRONT.before)
