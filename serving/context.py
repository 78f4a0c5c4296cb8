"""What a route may use: the settings, the model that answers, the limits and the metrics; and the reading of requests
and the asking of the model that routes share."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp

from cxr.common.errors import ImageError, UnsoundError
from cxr.imaging.decode import decode
from cxr.inference.answer import Answer, answer
from cxr.inference.predictor import Predictor
from cxr.inference.remarks import Rules
from cxr.inference.rules import RULES
from cxr.outcomes.recorder import OutcomeRecorder
from serving.champion import Champion, identity_of
from serving.errors import ServiceError, error_body, of_picture, too_slow, unsound
from serving.load import Load
from serving.metrics import Metrics
from serving.requests import check_media_type, json_object, picture_bytes, read_body
from serving.schemas import ID_HEADER
from serving.settings import Settings
from serving.site import require_in_use
from serving.watching import Watch, unwatched

T = TypeVar("T")
SOMETIMES = ("id", "familiarity", "heatmap", "lung_share", "reason", "triage", "site", "profile")  # not in all answers
PARSED_AT_ONCE = 64 * 1024  # bytes that are parsed in less than a millisecond
ANSWER_WITHIN_S = 50  # from the whole request on; a picture that is being worked on is finished first


@dataclass(frozen=True)
class Context:
    """The first argument of every route. document: the OpenAPI description of all routes. behind: BentoML's own
    application, which calls the methods of service.py; None where BentoML does not serve. watch: told of each
    answer. outcomes: gives each answer its id; None where outcomes are not asked for."""

    settings: Settings
    champion: Champion
    load: Load
    metrics: Metrics
    rules: Rules = RULES
    document: dict[str, Any] = field(default_factory=dict)
    behind: ASGIApp | None = None
    watch: Watch = unwatched
    outcomes: OutcomeRecorder | None = None

    @asynccontextmanager
    async def json(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        """The fields of a JSON request, and a place among the requests until it is answered."""
        check_media_type(request, "application/json")
        async with self.body(request) as body:
            yield await self.parsed(request, json_object, body, self.settings.max_json_marks)

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator["Body"]:
        """The request's body, and a place among the requests until it is answered."""
        async with self.load.share() as share:
            body = Body(await read_body(request, share, self.settings))
            try:
                with self.load.place(), anyio.fail_after(ANSWER_WITHIN_S):
                    yield body
            except TimeoutError:
                raise too_slow() from None

    async def parsed(self, request: Request, parse: Callable[..., T], body: "Body", *arguments: object) -> T:
        """parse(bytes, *arguments); where they are many, in its turn and in a thread, so that others are answered."""
        if len(body) <= PARSED_AT_ONCE:
            return parse(body.take(), *arguments)
        return await self.load.work(request, lambda: parse(body.take(), *arguments))

    def answer_or_error(self, picture: bytes | str, explain: bool, route: str) -> dict[str, Any]:
        """As `answer_to`, or what is wrong with the picture, counted for `route`. picture: its file, or in Base64."""
        try:
            return (
                self.answer_to_text(picture, explain) if isinstance(picture, str) else self.answer_to(picture, explain)
            )
        except ServiceError as fault:
            self.metrics.errors.labels(route, fault.code).inc()
            return error_body(fault)

    def answer_to_text(self, text: str, explain: bool) -> dict[str, Any]:
        """As `answer_to`, of a picture in Base64."""
        return self.answer_to(picture_bytes(text, self.settings.max_bytes), explain)

    def answer_to(self, data: bytes, explain: bool) -> dict[str, Any]:
        """The answer to a picture file, with the model that gave it. It computes: call it by `load.work`."""
        model = self.champion.model  # once: it may be replaced between two looks
        said = self._answer(model, data, explain)
        return self._id_of(model, said) | answer_fields(said) | {"model": identity_of(model)}

    def winner_of_text(self, text: str) -> tuple[str, dict[str, str]]:
        """As `winner`, of a picture in Base64."""
        return self.winner(picture_bytes(text, self.settings.max_bytes))

    def winner(self, data: bytes) -> tuple[str, dict[str, str]]:
        """The original's answer to a picture file, "97.12% COVID", and the header that has its id; 422 where it is
        refused, since the original's form has no words for that. It computes: call it by `load.work`."""
        model = self.champion.model
        said = self._answer(model, data, explain=False)
        if said.reason is not None:
            raise ServiceError(422, said.reason.code, said.reason.message)
        return said.winner, id_header(self._id_of(model, said))

    def _id_of(self, model: Predictor, said: Answer) -> dict[str, str]:
        """The field with the answer's id, where outcomes are asked for."""
        if self.outcomes is None:
            return {}
        return {"id": self.outcomes.note(said, model.facts.name, model.facts.version)}

    def _answer(self, model: Predictor, data: bytes, explain: bool) -> Answer:
        self._require_in_use()
        most = self.settings.max_bytes
        if len(data) > most:
            raise ServiceError(413, "too_large", f"the picture has more than {most} bytes; send a smaller one")
        try:
            picture = decode(data, max_pixels=self.settings.max_pixels)
        except ImageError as fault:
            raise of_picture(fault) from None
        try:
            said = answer(model, picture, explain=explain, rules=self.rules, site=self.champion.site)
        except UnsoundError as fault:
            self.champion.note(model, sound=False)
            self.metrics.unsound.inc()
            raise unsound() from fault
        self.champion.note(model, sound=True)
        self._count(said)
        self.watch(data, picture, said)
        return said

    def _require_in_use(self) -> None:
        try:
            require_in_use(self.champion.site)
        except ServiceError as withheld:
            self.metrics.site.withheld.labels(withheld.code).inc()
            raise

    def _count(self, said: Answer) -> None:
        self.metrics.answers.labels(said.state).inc()
        if said.reason is not None:
            self.metrics.refusals.labels(said.reason.code).inc()


class Body:
    """The bytes of a request, to be taken once: who parses them need not hold them while the answer is made."""

    def __init__(self, data: bytes):
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def take(self) -> bytes:
        data, self._data = self._data, b""
        return data


def id_header(fields: Mapping[str, Any]) -> dict[str, str]:
    """The header with an answer's id, none where it has none."""
    return {ID_HEADER: fields["id"]} if "id" in fields else {}


def answer_fields(said: Answer) -> dict[str, Any]:
    """The contract's fields; those of SOMETIMES only where there is one."""
    fields = asdict(said)
    return {name: value for name, value in fields.items() if name not in SOMETIMES or value is not None}
