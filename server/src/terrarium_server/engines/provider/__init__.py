"""What an engine for a hosted model is written with.

`QueuedEngine` is the frame of a kind whose jobs run at the provider under an id. A kind writes the classes
of its card and its ticket and a few coroutines; the frame makes an engine of them. `Provider` makes the
calls: it keeps the key secret and does not repeat a call that may be charged. Failures are `ProviderError`.
"""

from ._card import OutputType, RequestOptions, checked_type, data_uri, output_type
from ._failures import ProviderError, clean, moderated
from ._options import BaseUrl, ProviderOptions
from ._provider import Provider
from ._queued import QueuedEngine, Results, Status
from ._response import Response
from ._results import all_or_none, write_data_url
from ._tickets import ProviderTicket, join_texts, split_texts

__all__ = [
    "BaseUrl",
    "OutputType",
    "Provider",
    "ProviderError",
    "ProviderOptions",
    "ProviderTicket",
    "QueuedEngine",
    "RequestOptions",
    "Response",
    "Results",
    "Status",
    "all_or_none",
    "checked_type",
    "clean",
    "data_uri",
    "join_texts",
    "moderated",
    "output_type",
    "split_texts",
    "write_data_url",
]
