"""The BentoML service: BentoML finds the model and runs the workers; what the routes do is in serving/.

Serve with `bentoml serve service:CovidCxr`; the settings are environment variables (docs/serving.md).
"""

from pathlib import Path

import bentoml

from serving.app import create_app
from serving.champion import Champion
from serving.routes import Routes
from serving.settings import read_settings

SETTINGS = read_settings()
ROUTES = Routes(SETTINGS)


@bentoml.service(name="covid-cxr", workers=1)
@bentoml.asgi_app(create_app(ROUTES), path="/")
class CovidCxr:
    """COVID-19 against the rest on frontal chest X-rays. Not a medical device."""

    model = bentoml.models.BentoModel(SETTINGS.model)

    def __init__(self) -> None:
        ROUTES.champion = Champion(lambda: Path(bentoml.models.get(SETTINGS.model).path))
