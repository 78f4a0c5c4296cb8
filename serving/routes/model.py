"""What the service tells about the model that answers."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.champion import stated_facts
from serving.context import Context
from serving.routing import Routes
from serving.schemas import TEXT, Schema, json_of, object_of, telling
from serving.settings import Settings

ROUTES = Routes()
_AUDIT = (
    "Why the model is stamped, and what the audit measured, by arm and subject: value, low and high of the interval, "
    "images, patients."
)
_UNSEEN = (
    "What is known of sources that training left out: `unseen_auc`, `false_positive_rate`, `sensitivity` with value, "
    "low and high, null where none could be measured; how many pairs and trainings; and the same in a sentence."
)


_SITE = (
    "Only where the model was commissioned: the site, the verdict with its reasons, calibration, threshold, triage "
    "cuts, limits, what was certified, when and by whom, who signed it, and why nothing is classified now (`withheld`)."
)
_STAMP = {"type": "boolean", "description": "Whether the shortcut audit failed the model or could not clear it."}
_AUDITED = object_of({"reasons": {"type": "array", "items": TEXT}, "measured": {"type": "object"}}, ["reasons"])
_SEEN = object_of({"unseen_auc": {"type": "object"}, "says": TEXT}, ["says"]) | {"description": _UNSEEN}
_COMMISSIONED = {"type": "object", "required": ["site", "verdict", "threshold", "withheld"], "description": _SITE}
MODEL_FACTS: Schema = {
    "type": "object",
    "properties": {
        "shortcut_flagged": _STAMP,
        "audit": _AUDITED | {"description": _AUDIT},
        "unseen": _SEEN,
        "site": _COMMISSIONED,
    },
    "required": ["name", "version", "backbone", "threshold"],
}


def _of_model(settings: Settings) -> Schema:
    return telling("The facts about the model that answers.", json_of(MODEL_FACTS), (500,))


@ROUTES.get("/model", openapi=_of_model, answer="the facts about the model", needs_key=True)
async def model(context: Context, request: Request) -> Response:
    return JSONResponse(stated_facts(context.champion))
