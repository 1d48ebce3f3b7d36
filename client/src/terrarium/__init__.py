"""The Python client of Terrarium and of any server that speaks the public FLORA API.

``from terrarium import Flora, AsyncFlora``. Names are imported when they are first used, so that the command
line starts without loading an HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import types
    from ._async_client import AsyncFlora
    from ._client import Flora
    from ._config import Omit
    from ._errors import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConflictError,
        FieldError,
        FloraError,
        InsufficientCreditsError,
        InternalServerError,
        MissingAPIKeyError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        RunFailedError,
        UnprocessableEntityError,
        WaitTimeout,
    )
    from ._pages import AsyncPage, AsyncPaginator, SyncPage
    from ._response import APIResponse

    Client = Flora
    AsyncClient = AsyncFlora

_MODULES = {
    "_async_client": ("AsyncFlora",),
    "_client": ("Flora",),
    "_config": ("Omit",),
    "_errors": (
        "APIConnectionError",
        "APIError",
        "APIResponseValidationError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "FieldError",
        "FloraError",
        "InsufficientCreditsError",
        "InternalServerError",
        "MissingAPIKeyError",
        "NotFoundError",
        "PermissionDeniedError",
        "RateLimitError",
        "RunFailedError",
        "UnprocessableEntityError",
        "WaitTimeout",
    ),
    "_pages": ("AsyncPage", "AsyncPaginator", "SyncPage"),
    "_response": ("APIResponse",),
}
_ALIASES = {"Client": "Flora", "AsyncClient": "AsyncFlora"}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponse",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncFlora",
    "AsyncPage",
    "AsyncPaginator",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ConflictError",
    "FieldError",
    "Flora",
    "FloraError",
    "InsufficientCreditsError",
    "InternalServerError",
    "MissingAPIKeyError",
    "NotFoundError",
    "Omit",
    "PermissionDeniedError",
    "RateLimitError",
    "RunFailedError",
    "SyncPage",
    "UnprocessableEntityError",
    "WaitTimeout",
    "__version__",
    "types",
]


def __getattr__(name: str) -> Any:
    if name == "types":
        return import_module(".types", __name__)
    real_name = _ALIASES.get(name, name)
    if real_name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[real_name]}", __name__), real_name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
