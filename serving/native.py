"""What the `@bentoml.api` methods of service.py do."""

from collections.abc import Sequence
from typing import Any

from serving.answer_types import Answer, ModelInfo, Result, Results
from serving.bridge import asker, told
from serving.champion import stated_facts
from serving.context import Context
from serving.errors import invalid_field
from serving.picture_input import given

BATCH = "/api/predict_batch"


class Native:
    """The methods, for one worker. A picture: as serving.picture_input.given takes it. Over HTTP each is called with
    what the front has read; a Python program that has the service in its own process calls them with what it likes."""

    def __init__(self, context: Context):
        self._context = context

    @told
    async def predict(self, image: Any, explain: bool) -> Answer:
        picture = given(image)
        context = self._context
        ask = context.answer_to_text if isinstance(picture, str) else context.answer_to
        return Answer(**await context.load.work(asker(), ask, picture, explain))

    @told
    async def predict_batch(self, images: Sequence[Any], explain: bool) -> Results:
        context = self._context
        most = context.settings.max_batch
        if not 1 <= len(images) <= most:
            raise invalid_field(f"the field 'images' has {len(images)} items; it takes 1 to {most}")
        context.metrics.batch.observe(len(images))
        # One turn per picture, so that a batch does not keep single pictures waiting.
        answers = [
            await context.load.work(asker(), context.answer_or_error, given(image), explain, BATCH) for image in images
        ]
        return Results(results=[Result(**answer) for answer in answers])

    @told
    async def model_info(self) -> ModelInfo:
        return ModelInfo(**stated_facts(self._context.champion))
