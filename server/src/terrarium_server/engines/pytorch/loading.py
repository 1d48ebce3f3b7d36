"""In the child: what can go wrong before a model is there, told so that a person can do something."""

import os
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from .._child import Cancelled, Unfit
from ._options import Place
from .machine import is_out_of_memory

_AWAY = {"HTTPError", "TransportError", "ConnectionError", "TimeoutError"}


def stay_offline(*, download: bool) -> None:
    """Let the hub's library ask nobody, unless the owner allowed downloads. Before it is imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    if not download:
        os.environ["HF_HUB_OFFLINE"] = "1"


def place_in(request: dict[str, Any]) -> Place:
    """Return where a request's model comes from."""
    return Place(**request["place"])


def key_of(request: dict[str, Any]) -> str:
    """Return what tells one loaded model from another; cards of the same model share it."""
    card = request["card"]
    return repr([request["place"], card["variant"], card["dtype"], card["trust_remote_code"]])


@contextmanager
def loading(place: Place) -> Generator[None]:
    """Turn whatever fails while a model is fetched and loaded into Unfit."""
    try:
        yield
    except (Unfit, Cancelled):
        raise
    except Exception as error:
        # The whole story is for the server's log.
        traceback.print_exc()
        code, message = _explain(error, place)
        raise Unfit(code, message) from error


def _explain(error: Exception, place: Place) -> tuple[str, str]:
    names = {kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__}
    name = place.hub or "the model"
    fetch = f"hf download {name}" + (f" --revision {place.revision}" if place.revision else "")
    if any(is_out_of_memory(cause) for cause in _causes(error)):
        return "GPU_PROVIDER_ERROR", f"There is not enough memory to load {name} on this machine."
    if "GatedRepoError" in names:
        return (
            "ACCESS_DENIED",
            f"{name} wants its terms accepted: do so on its page of the hub, then log in with: hf auth login",
        )
    if names & {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"}:
        return "GENERATION_ENDPOINT_NOT_FOUND", f"The hub has no {name}; correct `model` in the card."
    if names & _AWAY and "OfflineModeIsEnabled" not in names:
        return (
            "GENERATION_DOWNSTREAM_SERVICE_ERROR",
            f"The hub could not be asked for {name}; try again later, or fetch it with: {fetch}",
        )
    if place.hub and names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}:
        return (
            "GENERATION_ENDPOINT_NOT_FOUND",
            f"{name} is not whole on this machine; fetch it with: {fetch}",
        )
    said = str(error)
    if "trust_remote_code" in said:
        return (
            "GENERATION_PROVIDER_NOT_SUPPORTED",
            f"{name} brings program code of its own, which is not run; if its owner is to be trusted, say"
            " trust_remote_code = true under [options] of the card.",
        )
    if "safetensors" in said:
        return (
            "GENERATION_PROVIDER_NOT_SUPPORTED",
            f"{name} has no weights as safetensors that fit, and other formats are not read here"
            + (f"; if they were not fetched yet: {fetch}" if place.hub else "."),
        )
    first = said.strip().splitlines()[0] if said.strip() else type(error).__name__
    told = first.replace(place.folder, "its folder") if place.folder else first
    return "GENERATION_PROVIDER_NOT_SUPPORTED", f"{name} cannot be loaded: {told[:300]}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Go over an error and what led to it: libraries wrap what the hub said."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
