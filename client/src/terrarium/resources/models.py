"""The model catalogue."""

from __future__ import annotations

from functools import cached_property
from typing import Unpack

from .._operation import Operation, RequestOptions, WriteOptions, without_none
from .._wire import ModelList
from ..types import GenerationType
from ._resource import AsyncResource, Resource, raw, raw_async


def list_models(
    type: GenerationType | None, unavailable: bool, options: RequestOptions
) -> Operation[ModelList]:
    """``GET /models``."""
    return Operation(
        method="GET",
        path="/models",
        shape=ModelList,
        query=without_none(type=type, all="true" if unavailable else None),
        options=WriteOptions(**options),
    )


class Models(Resource):
    """``client.models``."""

    @cached_property
    def with_raw_response(self) -> ModelsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return ModelsWithRawResponse(Models(self._driver, raw=True))

    def list(
        self,
        *,
        type: GenerationType | None = None,
        unavailable: bool = False,
        **options: Unpack[RequestOptions],
    ) -> ModelList:
        """The models, all or of one type, in ``.models``: their price, time and parameters.

        ``unavailable=True`` (an addition of Terrarium) also lists models that cannot be used now; their
        ``unavailable`` says what is missing.
        """
        return self._send(list_models(type, unavailable, options))


class AsyncModels(AsyncResource):
    """``client.models`` of the asynchronous client."""

    @cached_property
    def with_raw_response(self) -> AsyncModelsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return AsyncModelsWithRawResponse(AsyncModels(self._driver, raw=True))

    async def list(
        self,
        *,
        type: GenerationType | None = None,
        unavailable: bool = False,
        **options: Unpack[RequestOptions],
    ) -> ModelList:
        """The models, all or of one type; see ``Models.list``."""
        return await self._send(list_models(type, unavailable, options))


class ModelsWithRawResponse:
    """``client.models.with_raw_response``."""

    def __init__(self, models: Models) -> None:
        self.list = raw(models.list)


class AsyncModelsWithRawResponse:
    """``client.models.with_raw_response`` of the asynchronous client."""

    def __init__(self, models: AsyncModels) -> None:
        self.list = raw_async(models.list)
