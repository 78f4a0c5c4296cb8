"""The OpenAPI document at /docs.json: every route, every field, every status that it may answer."""

from cxr.common.labels import CLASSES, REFUSED
from cxr.inference.remarks import Rules
from cxr.inference.rules import RULES
from cxr.inference.triage import GROUPS
from serving.context import SOMETIMES
from serving.routes import ROUTES
from serving.routing import Route, Routes
from serving.schemas import ANSWER_ID, PROBABILITY, TEXT, Schema, error, object_of
from serving.settings import Settings


def openapi(settings: Settings, routes: Routes = ROUTES, rules: Rules = RULES) -> Schema:
    """The document for these routes, and for answers with these warnings and refusals."""
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "covid-cxr",
            "version": "1",
            "description": "COVID-19 against the rest on frontal chest X-rays. Not a medical device.",
        },
        "paths": _paths(settings, routes),
        "components": {"schemas": _schemas(rules)},
    }
    if settings.wants_key:
        document["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    return document


def _paths(settings: Settings, routes: Routes) -> Schema:
    return {
        route.path: {route.method.lower(): _operation(route, settings)} for route in routes if route.openapi is not None
    }


def _operation(route: Route, settings: Settings) -> Schema:
    assert route.openapi is not None
    operation = route.openapi(settings)
    if route.wants_key(settings):
        operation["security"] = [{"key": []}]
        operation["responses"]["401"] = error(401)
        if settings.key_rate:
            operation["responses"]["429"] = error(429)
    return operation


def _schemas(rules: Rules) -> Schema:
    remark = object_of({"code": TEXT, "message": TEXT}, ["code", "message"])
    nullable = {"anyOf": [object_of(dict.fromkeys(CLASSES, PROBABILITY), list(CLASSES)), {"type": "null"}]}
    warnings = f"Codes: {', '.join(rules.warning_codes)}."
    refusals = f"Of a refusal. Codes: {', '.join(rules.refusal_codes)}."
    answer: dict[str, Schema] = {
        "id": ANSWER_ID | {"description": _ID},
        "state": {"enum": [*CLASSES, REFUSED]},
        "percentage": {"type": ["number", "null"], "minimum": 0, "maximum": 100, "description": "Of the state."},
        "probabilities": nullable,
        "threshold": PROBABILITY | {"description": "The state is COVID from this probability of COVID on."},
        "warnings": {"type": "array", "items": remark, "description": warnings},
        "triage": {"enum": list(GROUPS), "description": _TRIAGE},
        "familiarity": PROBABILITY | {"description": _FAMILIARITY},
        "heatmap": {"type": "string", "pattern": "^data:image/png;base64,", "description": _HEATMAP},
        "lung_share": PROBABILITY | {"description": _LUNG_SHARE},
        "reason": remark | {"description": refusals},
        "site": TEXT | {"description": _SITE},
        "profile": TEXT | {"pattern": "^[0-9a-f]{12}$", "description": _PROFILE},
        "model": object_of(dict.fromkeys(("name", "version", "backbone"), TEXT), ["name", "version", "backbone"]),
    }
    always = [name for name in answer if name not in SOMETIMES]
    return {
        "Answer": object_of(answer, always),
        "Error": object_of({"error": object_of({"code": TEXT, "message": TEXT}, ["code", "message"])}, ["error"]),
    }


_ID = "By which POST /feedback tells the outcome. Only where CXR_FEEDBACK is set. Whoever has it can tell one."
_HEATMAP = (
    "A small transparent PNG to be stretched over the picture: each place's exact share of the decision, orange "
    "towards COVID, blue away from it."
)
_TRIAGE = (
    "The group by the cuts that commissioning certified at this site. Only with a site, and not of a refusal. What is "
    "likely is COVID by its state, what is unlikely is not."
)
_SITE = (
    "For which the model was commissioned; probabilities and threshold are then the site's. Without one the answer "
    "carries the warning not_commissioned."
)
_PROFILE = (
    "The version of the site's profile: the hash of its values, shortened. Another commissioning has another one."
)
_FAMILIARITY = (
    "Of X-rays of the sources that the model learned from, the share that is at least as unlike them as this one. At "
    "0.05 or below the answer carries the warning unfamiliar_source. Only where the model knows."
)
_LUNG_SHARE = (
    "Of the heat map's absolute weight, what lies inside the lungs, as the model's own lung segmenter finds them. Only "
    "with a heat map, and where lungs were found. Below one half the answer carries the warning outside_lungs."
)
