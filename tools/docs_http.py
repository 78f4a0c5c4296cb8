"""The reference page of HTTP, from the service's OpenAPI."""

from collections.abc import Iterator, Mapping
from typing import Any

from serving.openapi import openapi
from serving.routes import ROUTES
from serving.routing import Route
from serving.settings import Settings
from tools.docs_tables import Schema, fields, kind_of, reference_name, resolved, table


def http_page() -> str:
    """Every route: what it takes and answers, by which statuses; then the fields of the answer and of an error."""
    document = openapi(Settings())
    shapes = document["components"]["schemas"]
    head = (
        "# HTTP\n\nThe routes of the service, from its own description, OpenAPI "
        f"{document['openapi']} at `/docs.json`. [Serving](../serving.md) says how to run it and which key it wants.\n"
    )
    routes = "".join(_route(route, document["paths"].get(route.path, {}), shapes) for route in ROUTES)
    fields_of = (f"\n## {name}\n\n{_fields(shape, shapes)}" for name, shape in shapes.items())
    return head + routes + "".join(fields_of)


def _route(route: Route, described: Mapping[str, Any], shapes: Schema) -> str:
    title = f"\n## {route.method} {route.path}\n\n"
    if not described:
        return f"{title}Answers {route.answer}.\n"
    operation = described[route.method.lower()]
    said = [f"{title}{operation['summary']}\n"]
    query = [(f"`{one['name']}`", kind_of(one["schema"], shapes)) for one in operation.get("parameters", ())]
    if query:
        said.append(table(("in the address", "value"), query))
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        shape = resolved(body["schema"], shapes)
        said.append(
            f"Takes `{media}`" + (f":\n\n{_fields(shape, shapes)}" if "properties" in shape else ": the file.\n")
        )
    said.append(table(("status", "meaning", "body"), _statuses(operation["responses"])))
    return "\n".join(said)


def _statuses(responses: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for status, response in responses.items():
        bodies = (f"`{media}`{_shape(body['schema'])}" for media, body in response.get("content", {}).items())
        yield f"`{status}`", response["description"], ", ".join(bodies)


def _shape(schema: Schema) -> str:
    name = reference_name(schema) if "$ref" in schema else ""
    return f" [{name}](#{name.lower()})" if name else ""


def _fields(shape: Schema, shapes: Schema) -> str:
    always = shape.get("required", ())
    rows = [
        (f"`{path}`", of, "always" if path.partition(".")[0] in always else "", what)
        for path, of, what in fields(shape, shapes)
    ]
    return table(("field", "value", "there", "meaning"), rows)
