import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._tables import nodes

_COLUMNS = 4
_CELL = 360
_BESIDE = 48
_LABEL_LENGTH = 80


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node; ``output_id`` once it shows something, sizes in pixels, x and y in canvas units."""

    node_id: str
    project_id: str
    place: int
    beside: int
    type: str
    label: str | None
    run_id: str | None
    output_id: str | None
    width: int | None
    height: int | None
    x: int
    y: int
    created_at: int


_RECORD = [nodes.c[name] for name in NodeRecord.__dataclass_fields__]
_INSERT = sa.insert(nodes)
_FIRST = (
    sa.update(nodes)
    .where(nodes.c.node_id == sa.bindparam("node"))
    .values(
        output_id=sa.bindparam("output"),
        width=sa.bindparam("wide"),
        height=sa.bindparam("high"),
    )
)


def place(
    tx: Transaction, node_id: str, project_id: str, number: int, *, type: str, label: str, run_id: str
) -> None:
    """Put a run's node at the project's place ``number`` (rows of four)."""
    tx.execute(
        _INSERT,
        {
            "node_id": node_id,
            "project_id": project_id,
            "place": number,
            "beside": 0,
            "type": type,
            "label": label[:_LABEL_LENGTH],
            "run_id": run_id,
            "x": number % _COLUMNS * _CELL,
            "y": number // _COLUMNS * _CELL,
            "created_at": tx.now_ms,
        },
    )


def land(tx: Transaction, node_id: str, outputs: Sequence[tuple[str, int | None, int | None]]) -> None:
    """Show a run's outputs, each (output_id, width, height): the first on its node, more beside it."""
    first, *more = outputs
    tx.execute(_FIRST, {"node": node_id, "output": first[0], "wide": first[1], "high": first[2]})
    if not more:
        return
    row = tx.execute(sa.select(*_RECORD).where(nodes.c.node_id == node_id)).one()
    node = NodeRecord(*row)
    for beside, (output_id, width, height) in enumerate(more, start=1):
        tx.execute(
            _INSERT,
            {
                "node_id": str(uuid.uuid4()),
                "project_id": node.project_id,
                "place": node.place,
                "beside": beside,
                "type": node.type,
                "label": node.label,
                "run_id": node.run_id,
                "output_id": output_id,
                "width": width,
                "height": height,
                "x": node.x + beside * _BESIDE,
                "y": node.y + beside * _BESIDE,
                "created_at": tx.now_ms,
            },
        )


def list_nodes(
    tx: Transaction, project_id: str, *, limit: int, after: tuple[int, int] | None = None
) -> list[NodeRecord]:
    """Return a project's nodes in the order they were placed, after the given (place, beside)."""
    statement = sa.select(*_RECORD).where(nodes.c.project_id == project_id)
    if after is not None:
        statement = statement.where(sa.tuple_(nodes.c.place, nodes.c.beside) > after)
    statement = statement.order_by(nodes.c.place, nodes.c.beside).limit(limit)
    return [NodeRecord(*row) for row in tx.execute(statement)]
