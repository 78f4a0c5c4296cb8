"""What the native methods of service.py take, as BentoML's clients and `bentoml.depends` send it.

BentoML's own types for files write each one to disk, and fetch it where a client sends an address. These do neither.
"""

import base64
import io
from pathlib import PurePath
from typing import Annotated, Any, Self

from bentoml import IODescriptor
from PIL import Image
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema
from starlette.requests import Request

from serving.bridge import PICKLE, current_call

Given = bytes | str  # a picture's file, or the same in Base64


def given(picture: Any) -> Given:
    """A picture as the bytes of its file, or as Base64 text, which stays as it is.

    picture: bytes, a path, an open binary file, a Pillow image, or a text. Raises TypeError for anything else. A text
    is never a path or an address: over HTTP it is what a client chose.
    """
    if isinstance(picture, bytes | str):
        return picture
    if isinstance(picture, bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, PurePath):
        with open(picture, "rb") as file:
            return file.read()
    if isinstance(picture, Image.Image):
        return _png(picture)
    if hasattr(picture, "read"):
        return given(picture.read())
    kind = type(picture).__name__
    raise TypeError(f"a picture is bytes, a pathlib.Path, an open binary file, a Pillow image or Base64, not {kind}")


def _png(image: Image.Image) -> bytes:
    with io.BytesIO() as file:
        image.save(file, "PNG")  # without loss, whatever it was opened from
        return file.getvalue()


class _AsFile:
    """Makes a field a file for those who read the schema, and bytes or Base64 for those who get it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        as_text = core_schema.plain_serializer_function_ser_schema(_base64, when_used="json")
        return core_schema.no_info_plain_validator_function(_checked, serialization=as_text)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kind = "file" if handler.mode == "validation" else "string"  # BentoML's clients look for "file"
        return {"type": kind, "format": "binary"}


def _checked(picture: Any) -> Given:
    try:
        return given(picture)
    except TypeError as fault:
        raise PydanticCustomError("picture", "{why}", {"why": str(fault)}) from None


def _base64(picture: Given) -> str:
    return picture if isinstance(picture, str) else base64.b64encode(picture).decode("ascii")


Picture = Annotated[bytes, _AsFile()]
Explain = Annotated[bool, Field(description="With a heat map.")]


class FromFront(IODescriptor):
    """Fields that the front has read and checked already, under its limits."""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        fields = current_call().fields
        if fields is None and serde.media_type == PICKLE:  # of a service that depends on this one
            return await super().from_http_request(request, serde)
        return cls.model_construct(**(fields or {}))

    @classmethod
    def mime_type(cls) -> str:
        return "multipart/form-data" if cls.model_fields else "application/json"


class OnePicture(FromFront):
    image: Picture
    explain: Explain = False


class Pictures(FromFront):
    images: list[Picture]
    explain: Explain = False


class Nothing(FromFront):
    pass
