"""A BentoML service that does nothing: what starting BentoML itself costs."""

import bentoml


@bentoml.service(name="bare", workers=1)
class Bare:
    @bentoml.api
    def echo(self, text: str) -> str:
        return text
