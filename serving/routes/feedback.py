"""What later turned out to be true of an answer."""

from typing import get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cxr.outcomes.recorder import OutcomeRecorder
from cxr.outcomes.records import OUTCOMES, Outcome, id_of_text
from cxr.outcomes.store import DAYS_KEPT, DAYS_OPEN, StoreError
from serving.context import Context
from serving.errors import expired_id, feedback_off, feedback_unavailable, invalid_field, unknown_id
from serving.requests import field, only
from serving.routing import Routes
from serving.schemas import ANSWER_ID, Schema, json_of, object_of, posting
from serving.settings import Settings

ROUTES = Routes()
FIELDS = ("id", "outcome")


def _of_feedback(settings: Settings) -> Schema:
    told = json_of(object_of({"id": ANSWER_ID, "outcome": {"enum": list(get_args(Outcome))}}, list(FIELDS)))
    return posting(
        "Tell an answer's outcome. Telling it again changes nothing; another outcome replaces it. Off without a key.",
        told,
        told,
        (404, 410),
    )


@ROUTES.post(
    "/feedback",
    openapi=_of_feedback,
    request='`{"id": "<of an answer>", "outcome": "positive"}`: `positive`, `negative` or `unknown`',
    answer="the same, once it is kept; off without `CXR_FEEDBACK`, and where no key is set",
)
async def feedback(context: Context, request: Request) -> Response:
    outcomes = _where_on(context)
    async with context.json(request) as fields:
        only(fields, FIELDS)
        number = id_of_text(field(fields, "id", str))
        outcome = field(fields, "outcome", str)
        if number is None:
            raise invalid_field("the field 'id' is no id of an answer; send it as the answer had it")
        if outcome not in OUTCOMES:
            raise invalid_field(f"the field 'outcome' must be one of {', '.join(OUTCOMES)}")
        await context.load.work(request, _take, outcomes, number, outcome)
        return JSONResponse({name: fields[name] for name in FIELDS})


def _where_on(context: Context) -> OutcomeRecorder:
    """Raises ServiceError where no outcome is taken."""
    if context.outcomes is None:
        raise feedback_off("this service takes no outcomes; CXR_FEEDBACK names a file for them")
    if not context.settings.wants_key:
        raise feedback_off("this service takes outcomes with a key only, and none is set; set CXR_KEYS")
    return context.outcomes


def _take(outcomes: OutcomeRecorder, number: bytes, outcome: Outcome) -> None:
    """Raises ServiceError where it was not taken."""
    try:
        receipt = outcomes.take(number, outcome)
    except StoreError as fault:
        outcomes.complain(str(fault))
        raise feedback_unavailable() from None
    if receipt == "expired_id":
        raise expired_id(f"this answer was given more than {DAYS_OPEN} days ago; its outcome is taken no more")
    if receipt == "unknown_id":
        raise unknown_id(
            f"no answer of the last {DAYS_KEPT} days has this id; if it is seconds old, send its outcome again later"
        )
