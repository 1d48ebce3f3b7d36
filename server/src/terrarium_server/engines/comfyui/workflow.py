"""A workflow in API format, and where a job's values go in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .._contract import Job

Graph = dict[str, dict[str, Any]]


class UnusableCard(Exception):
    """A card's options or its workflow are wrong; the message says what and how to mend it."""


class ComfyCard(BaseModel):
    """What ``[options]`` of a card says.

    ``file`` is a workflow in API format, ``inputs`` maps ``prompt``, ``seed`` and parameters to the fields
    that take them (``NODE.inputs.FIELD``, or a list of such), ``output`` names the nodes whose files are the
    result; left out, it is every node that saves one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1)
    inputs: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    output: str | tuple[str, ...] = ()

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Check a card's options. Raises UnusableCard, saying everything that is wrong."""
        try:
            card = cls.model_validate(options)
        except ValidationError as error:
            causes = "; ".join(
                f"{'.'.join(str(part) for part in cause['loc'])}: {cause['msg']}" for cause in error.errors()
            )
            raise UnusableCard(f"[options] of its card: {causes}") from error
        for name in card.inputs:
            card.places(name)
        return card

    @property
    def outputs(self) -> tuple[str, ...]:
        """The nodes whose files are the result; none means all."""
        return (self.output,) if isinstance(self.output, str) else self.output

    def places(self, name: str) -> list[tuple[str, str]]:
        """Return node and field of everything that takes this value."""
        said = self.inputs.get(name, ())
        return [_place(place) for place in ((said,) if isinstance(said, str) else said)]

    def load(self) -> Graph:
        """Read the workflow and check every place that the card names. Raises UnusableCard."""
        path = Path(self.file)
        graph = _read(path)
        for name in self.inputs:
            for node, field in self.places(name):
                if node not in graph or field not in graph[node]["inputs"]:
                    known = ", ".join(graph.get(node, {}).get("inputs", {})) or "no such node"
                    raise UnusableCard(
                        f"inputs.{name}: {path.name} has no field {node}.inputs.{field} ({known})"
                    )
        for node in self.outputs:
            if node not in graph:
                raise UnusableCard(f"output: {path.name} has no node {node}")
        return graph


def fill(graph: Graph, card: ComfyCard, job: Job, uploaded: Mapping[str, list[str]]) -> Graph:
    """Return the workflow with a job's values in it; what the job leaves out stays as it was saved."""
    filled: Graph = {node: {**said, "inputs": dict(said["inputs"])} for node, said in graph.items()}
    values: dict[str, Any] = {**job.params, "prompt": job.prompt, "seed": job.seed}
    for name in card.inputs:
        places = card.places(name)
        if name in uploaded:
            # Several pictures go into the places one after the other; a single one into all of them.
            names = uploaded[name]
            for number, (node, field) in enumerate(places):
                if len(names) == 1 or number < len(names):
                    filled[node]["inputs"][field] = names[min(number, len(names) - 1)]
        elif name in values:
            for node, field in places:
                filled[node]["inputs"][field] = values[name]
    return filled


def _place(said: str) -> tuple[str, str]:
    node, _, field = said.partition(".")
    field = field.removeprefix("inputs.")
    if not node or not field:
        raise UnusableCard(f"inputs: {said!r} is not a field; write NODE.inputs.FIELD")
    return node, field


def _read(path: Path) -> Graph:
    try:
        document: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UnusableCard(f"there is no workflow {path}; put the file there") from error
    except (OSError, ValueError) as error:
        raise UnusableCard(f"{path} cannot be read as JSON: {error}") from error
    if isinstance(document, Mapping) and isinstance(cast(Mapping[str, Any], document).get("nodes"), list):
        raise UnusableCard(
            f"{path.name} was saved for ComfyUI's editor; export it once more with Workflow → Export (API)"
        )
    if not isinstance(document, Mapping) or not document:
        raise UnusableCard(f"{path.name} is no workflow in API format: an object of numbered nodes")
    graph = cast(Mapping[str, Any], document)
    for node, said in graph.items():
        if not isinstance(said, Mapping) or not isinstance(cast(Mapping[str, Any], said).get("inputs"), dict):
            raise UnusableCard(f"{path.name}: node {node} has no inputs; it is no workflow in API format")
    return cast(Graph, dict(graph))
