"""Turns the errors of downloading and loading a model into messages that say what to do."""

import os
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from terrarium_server.engines.child import Cancelled, JobError

from .device import is_out_of_memory
from .source import ModelSource

_UNREACHABLE = {"HTTPError", "TransportError", "ConnectionError", "TimeoutError"}


def set_offline(*, download: bool) -> None:
    """Keep the hub's library off the network, unless the owner allowed downloads.

    Call it before that library is imported.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    if not download:
        os.environ["HF_HUB_OFFLINE"] = "1"


def model_key(request: dict[str, Any]) -> str:
    """Return the key of a request's loaded model; cards of the same model share it."""
    card = request["card"]
    return repr([request["source"], card["variant"], card["dtype"], card["trust_remote_code"]])


@contextmanager
def loading(source: ModelSource) -> Generator[None]:
    """Raise JobError for any error of downloading or loading a model."""
    try:
        yield
    except (JobError, Cancelled):
        raise
    except Exception as error:
        # The caller gets a short message; the whole trace goes to the server's log.
        traceback.print_exc()
        code, message = _explain(error, source)
        raise JobError(code, message) from error


def _explain(error: Exception, source: ModelSource) -> tuple[str, str]:
    names = {base.__name__ for cause in _causes(error) for base in type(cause).__mro__}
    name = source.hub or "the model"
    download = f"hf download {name}" + (f" --revision {source.revision}" if source.revision else "")
    if any(is_out_of_memory(cause) for cause in _causes(error)):
        return "GPU_PROVIDER_ERROR", f"There is not enough memory to load {name} on this machine."
    if "GatedRepoError" in names:
        return (
            "ACCESS_DENIED",
            f"{name} requires its terms to be accepted: do so on its page of the hub, then log in with:"
            " hf auth login",
        )
    if names & {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"}:
        return "GENERATION_ENDPOINT_NOT_FOUND", f"The hub has no {name}; correct `model` in the card."
    if names & _UNREACHABLE and "OfflineModeIsEnabled" not in names:
        return (
            "GENERATION_DOWNSTREAM_SERVICE_ERROR",
            f"The hub could not be reached for {name}; try again later, or download it with: {download}",
        )
    if source.hub and names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}:
        return (
            "GENERATION_ENDPOINT_NOT_FOUND",
            f"{name} is incomplete on this machine; download it with: {download}",
        )
    text = str(error)
    if "trust_remote_code" in text:
        return (
            "GENERATION_PROVIDER_NOT_SUPPORTED",
            f"{name} comes with program code of its own, which is not run; if you trust its author, set"
            " trust_remote_code = true under [options] of the card.",
        )
    if "safetensors" in text:
        return (
            "GENERATION_PROVIDER_NOT_SUPPORTED",
            f"{name} has no matching weights as safetensors, and other formats are not read here"
            + (f"; if they were not downloaded yet: {download}" if source.hub else "."),
        )
    line = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    shown = line.replace(source.folder, "its folder") if source.folder else line
    return "GENERATION_PROVIDER_NOT_SUPPORTED", f"{name} cannot be loaded: {shown[:300]}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Iterate over an error and its causes: libraries wrap the hub's errors in their own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
