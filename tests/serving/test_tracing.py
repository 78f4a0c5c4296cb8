"""The spans that BentoML hands to OpenTelemetry: of the routes, with nothing in them that a client chose."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from serving.tracing import not_of
from tests.serving.bento_server import ROOT, put_model, store_environment
from tests.serving.xrays import picture, text_of

NAME = "Mustermann_Erika_1970"
SCRIPT = """
import asyncio, json, sys
import httpx
from bentoml._internal.configuration.containers import BentoMLContainer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import service

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
BentoMLContainer.tracer_provider.set(provider)
app = service.SERVICE.to_asgi()
app.middleware_stack = app.build_middleware_stack()
name, image = sys.argv[1:]

async def ask():
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        options = {"base_url": "http://here", "headers": {"User-Agent": name}}
        async with httpx.AsyncClient(transport=transport, **options) as client:
            await client.post("/api/predict", json={"image": image}, params={name: "1"})
            await client.post("/predict", json={"image": image})
            await client.get(f"/{name}.png")
            await client.get(f"/{name}/predict")

asyncio.run(ask())
print(json.dumps([json.loads(span.to_json()) for span in exporter.get_finished_spans()]))
print(json.dumps(service.SERVICE.openapi_spec.asdict()))
"""


@pytest.mark.slow
def test_a_span_has_the_route_and_nothing_of_the_client(tmp_path: Path, bundle: Path):
    put_model(tmp_path, bundle)
    image = text_of(picture())
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, NAME, image],
        cwd=ROOT,
        env=store_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    spans, spec = done.stdout.strip().splitlines()[-2:]
    named = {span["name"] for span in json.loads(spans)}
    assert {"POST /api/predict", "POST /predict"} <= named
    assert all(name.startswith(("POST /api/predict", "POST /predict")) for name in named)
    assert NAME not in spans
    assert image[:60] not in spans
    assert {"/api/predict", "/api/predict_batch", "/api/model_info"} <= set(json.loads(spec)["paths"])


@pytest.mark.parametrize(
    ("url", "excluded"),
    [
        ("http://clinic.example/predict", False),
        ("https://clinic.example:8443/api/predict", False),
        ("http://127.0.0.1:3000/predict", False),
        ("http:///tmp/x/140.sock/api/predict", False),
        ("http://clinic.example/name.png", True),
        ("http://clinic.example/name/predict", True),
        ("http://clinic.example/predict/", True),
        ("http://clinic.example/predictx", True),
    ],
)
def test_only_known_paths_are_traced(url: str, excluded: bool):
    assert bool(re.search(not_of(["/predict", "/api/predict"]), url)) == excluded
