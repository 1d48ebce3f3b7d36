"""What the framework leaves out of the OpenAPI document: headers of responses, and the data of events."""

from typing import Any

from pydantic.json_schema import models_json_schema

from terrarium_server import wire


def _header(type: str, description: str, *, always: bool = True) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": {"type": type}}


_HEADERS = {
    "request-id": _header("string", "Names this request in the server's log"),
    "RateLimit-Limit": _header("integer", "Requests that may be sent at once", always=False),
    "RateLimit-Remaining": _header("integer", "Requests that may be sent now", always=False),
    "RateLimit-Reset": _header("integer", "Seconds until the whole limit is free again", always=False),
    "cache-control": _header("string", "`private, no-cache`, or `no-store` for events"),
    "etag": _header("string", "Changes with the run"),
    "location": _header("string", "The URL of what the first request made or changed"),
    "preference-applied": _header("string", "`wait=N`: how many seconds may be waited", always=False),
    "retry-after": _header("integer", "Seconds after which to try again"),
    "www-authenticate": _header("string", "`Bearer`"),
    "x-accel-buffering": _header("string", "`no`: tells proxies to pass events on at once"),
    "x-should-retry": _header("string", "`false`: trying again cannot help"),
}
_EVERYWHERE = ("request-id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_BY_STATUS = {
    "401": ("www-authenticate",),
    "409": ("location", "x-should-retry"),
    "429": ("retry-after",),
    "503": ("retry-after",),
}
_READ = ("cache-control", "etag", "preference-applied")
_STREAM = ("cache-control", "x-accel-buffering")
_BY_OPERATION = {
    ("runs_retrieve", "200"): _READ,
    ("runs_retrieve", "304"): _READ,
    ("projects_events", "200"): _STREAM,
    ("runs_events", "200"): _STREAM,
    ("generations_create", "201"): ("preference-applied",),
    ("runs_start_generation", "201"): ("preference-applied",),
}
_EVENT_DATA = (wire.Event, wire.EventPosition, wire.RunProgressed)
# The form of one server-sent event. The specification of OpenAPI has the same one as its example.
EVENT_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [{"$ref": f"#/components/schemas/{shape.__name__}"} for shape in _EVENT_DATA]
            },
        },
        "retry": {"type": "integer"},
    },
}


def declare_headers(document: dict[str, Any]) -> None:
    """Add the headers of every response to an OpenAPI document."""
    document["components"]["headers"] = _HEADERS
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                special = _BY_OPERATION.get((operation["operationId"], status), ())
                names = (*_EVERYWHERE, *_BY_STATUS.get(status, ()), *special)
                response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def declare_event_data(document: dict[str, Any]) -> None:
    """Add the shapes that `EVENT_SCHEMA` refers to."""
    _, declared = models_json_schema(
        [(shape, "serialization") for shape in _EVENT_DATA], ref_template="#/components/schemas/{model}"
    )
    document["components"]["schemas"] |= declared["$defs"]
