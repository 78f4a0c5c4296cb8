"""What the service tells about the model that answers."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.champion import public_facts
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


def _of_model(settings: Settings) -> Schema:
    stamp = {"type": "boolean", "description": "Whether the shortcut audit failed the model or could not clear it."}
    audit = object_of({"reasons": {"type": "array", "items": TEXT}, "measured": {"type": "object"}}, ["reasons"])
    unseen = object_of({"unseen_auc": {"type": "object"}, "says": TEXT}, ["says"]) | {"description": _UNSEEN}
    known = {"shortcut_flagged": stamp, "audit": audit | {"description": _AUDIT}, "unseen": unseen}
    facts = {"type": "object", "properties": known, "required": ["name", "version", "backbone", "threshold"]}
    return telling("The facts about the model that answers.", json_of(facts), (500,))


@ROUTES.get("/model", openapi=_of_model, answer="the facts about the model", needs_key=True)
async def model(context: Context, request: Request) -> Response:
    champion = context.champion
    engine = champion.model.engine
    return JSONResponse(
        public_facts(champion.facts.document) | {"precision": engine.precision, "checked": engine.checked}
    )
