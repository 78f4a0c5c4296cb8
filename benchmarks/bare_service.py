"""A BentoML service that does nothing, to measure how long BentoML itself takes to start."""

import bentoml


@bentoml.service(name="bare", workers=1)
class Bare:
    @bentoml.api
    def echo(self, text: str) -> str:
        return text
