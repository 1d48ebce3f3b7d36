"""The headers of responses in the OpenAPI document."""

from typing import Any


def _header(type: str, description: str, *, always: bool = True) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": {"type": type}}


_HEADERS = {
    "request-id": _header("string", "Names this request in the server's log"),
    "RateLimit-Limit": _header("integer", "Requests that may be sent at once", always=False),
    "RateLimit-Remaining": _header("integer", "Requests that may be sent now", always=False),
    "RateLimit-Reset": _header("integer", "Seconds until the whole limit is free again", always=False),
    "cache-control": _header("string", "`private, no-cache`"),
    "etag": _header("string", "Changes with the run"),
    "location": _header("string", "The URL of what the first request made or changed"),
    "preference-applied": _header("string", "`wait=N`: how many seconds may be waited", always=False),
    "retry-after": _header("integer", "Seconds after which to try again"),
    "www-authenticate": _header("string", "`Bearer`"),
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
_BY_OPERATION = {
    ("runs_retrieve", "200"): _READ,
    ("runs_retrieve", "304"): _READ,
    ("generations_create", "201"): ("preference-applied",),
    ("runs_start_generation", "201"): ("preference-applied",),
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
