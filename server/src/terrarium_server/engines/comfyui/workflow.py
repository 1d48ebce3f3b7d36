"""A workflow in API format, and the fields of its nodes that a job's values go to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field, PrivateAttr, field_validator

from terrarium_server.engines import Job
from terrarium_server.engines.setup import CardOptions

Graph = dict[str, dict[str, Any]]


class ComfyCard(CardOptions):
    """What ``[options]`` of a card says; reading it reads and checks the workflow too.

    ``file`` is a workflow in API format, ``inputs`` maps ``prompt``, ``seed`` and parameters to the fields
    that take them (``NODE.inputs.FIELD``, or a list of such), ``output`` names the nodes whose files are the
    result; left out, it is every node that saves one.
    """

    file: str = Field(min_length=1)
    inputs: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    output: str | tuple[str, ...] = ()
    _graph: Graph = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Check a card's options and its workflow. Raises ValueError."""
        card = super().read(options)
        card._graph = card._checked_graph()
        return card

    @field_validator("inputs")
    @classmethod
    def _names_fields(cls, value: dict[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
        for fields in value.values():
            _split(fields)
        return value

    @property
    def outputs(self) -> tuple[str, ...]:
        """The nodes whose files are the result; none means all."""
        return (self.output,) if isinstance(self.output, str) else self.output

    def fill(self, job: Job, uploaded: Mapping[str, list[str]]) -> Graph:
        """Return the workflow with a job's values; what the job leaves out stays as it was saved.

        ``uploaded`` has the names that media have at ComfyUI, by parameter.
        """
        graph: Graph = {
            node: {**saved, "inputs": dict(saved["inputs"])} for node, saved in self._graph.items()
        }
        values: dict[str, Any] = {**job.params, "prompt": job.prompt, "seed": job.seed}
        for name in self.inputs:
            fields = self._fields(name)
            if name in uploaded:
                # Several pictures go to the fields one after the other; a single one goes to all of them.
                names = uploaded[name]
                for number, (node, field) in enumerate(fields):
                    if len(names) == 1 or number < len(names):
                        graph[node]["inputs"][field] = names[min(number, len(names) - 1)]
            elif name in values:
                for node, field in fields:
                    graph[node]["inputs"][field] = values[name]
        return graph

    def _fields(self, name: str) -> list[tuple[str, str]]:
        return _split(self.inputs.get(name, ()))

    def _checked_graph(self) -> Graph:
        path = Path(self.file)
        graph = _read(path)
        for name in self.inputs:
            for node, field in self._fields(name):
                if node not in graph or field not in graph[node]["inputs"]:
                    existing = ", ".join(graph.get(node, {}).get("inputs", {})) or "no such node"
                    raise ValueError(
                        f"inputs.{name}: {path.name} has no field {node}.inputs.{field} ({existing})"
                    )
        for node in self.outputs:
            if node not in graph:
                raise ValueError(f"output: {path.name} has no node {node}")
        return graph


def _split(fields: str | tuple[str, ...]) -> list[tuple[str, str]]:
    """Return node and field of each. Raises ValueError."""
    return [_split_one(field) for field in ((fields,) if isinstance(fields, str) else fields)]


def _split_one(text: str) -> tuple[str, str]:
    node, _, field = text.partition(".")
    field = field.removeprefix("inputs.")
    if not node or not field:
        raise ValueError(f"inputs: {text!r} is not a field; write NODE.inputs.FIELD")
    return node, field


def _read(path: Path) -> Graph:
    try:
        document: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"there is no workflow {path}; put the file there") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error
    if isinstance(document, Mapping) and isinstance(cast(Mapping[str, Any], document).get("nodes"), list):
        raise ValueError(
            f"{path.name} was saved for ComfyUI's editor; export it once more with Workflow → Export (API)"
        )
    if not isinstance(document, Mapping) or not document:
        raise ValueError(f"{path.name} is no workflow in API format: an object of numbered nodes")
    graph = cast(Mapping[str, Any], document)
    for node, saved in graph.items():
        if not isinstance(saved, Mapping) or not isinstance(
            cast(Mapping[str, Any], saved).get("inputs"), dict
        ):
            raise ValueError(f"{path.name}: node {node} has no inputs; it is no workflow in API format")
    return cast(Graph, dict(graph))
