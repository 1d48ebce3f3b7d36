"""Where a model comes from: a folder of this machine, or the hub."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSource:
    """``folder`` is a path on this machine; without one, ``hub`` is the model's owner/name on the hub."""

    hub: str | None
    folder: str | None
    revision: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the fields, for a request to a model process."""
        return asdict(self)


def source_in(request: dict[str, Any]) -> ModelSource:
    """Return where a request's model comes from."""
    return ModelSource(**request["source"])
