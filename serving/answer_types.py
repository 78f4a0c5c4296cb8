"""What the native methods of service.py answer, typed: the fields of POST /predict, of a batch and of GET /model."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer


class Remark(BaseModel):
    code: str
    message: str


class Identity(BaseModel):
    """The model that gave an answer."""

    name: str
    version: str
    backbone: str


class _Sparse(BaseModel):
    """Written with the fields that it was made with only: those of a heat map are there where one was asked for."""

    @model_serializer(mode="wrap")
    def _as_made(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}


class Answer(_Sparse):
    """percentage: 0 to 100, of the state; None for a refusal. probabilities: 0 to 1, by class. id: for its outcome."""

    id: str | None = None
    state: Literal["NonCOVID", "COVID", "Refused"]
    percentage: float | None
    probabilities: dict[str, float] | None
    threshold: float
    warnings: list[Remark]
    triage: Literal["unlikely", "uncertain", "likely"] | None = None
    familiarity: float | None = None
    heatmap: str | None = None
    lung_share: float | None = None
    reason: Remark | None = None
    site: str | None = None
    profile: str | None = None
    model: Identity


class Result(_Sparse):
    """Of a batch: an answer's fields, or `error`."""

    # One model and not a choice of two: BentoML's client reads the first of a choice and drops the other's fields.
    id: str | None = None
    state: Literal["NonCOVID", "COVID", "Refused"] | None = None
    percentage: float | None = None
    probabilities: dict[str, float] | None = None
    threshold: float | None = None
    warnings: list[Remark] | None = None
    triage: Literal["unlikely", "uncertain", "likely"] | None = None
    familiarity: float | None = None
    heatmap: str | None = None
    lung_share: float | None = None
    reason: Remark | None = None
    site: str | None = None
    profile: str | None = None
    model: Identity | None = None
    error: Remark | None = None


class Results(BaseModel):
    """One result a picture, in order."""

    results: list[Result]


class ModelInfo(BaseModel):
    """The facts about the model: these four, and whatever else its model.json says."""

    # The schema names no properties: BentoML's client would drop all others.
    model_config = ConfigDict(extra="allow", json_schema_extra=lambda schema: schema.pop("properties", None))

    name: str
    version: str
    backbone: str
    threshold: float = Field(ge=0, le=1)
