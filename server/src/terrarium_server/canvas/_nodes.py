"""The nodes of a project's canvas: placing them, showing outputs on them, listing them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.store import Transaction

from ._tables import boards, nodes

_COLUMNS = 4
_CELL = 360
_OFFSET = 48
_LABEL_LENGTH = 80


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node; ``output_id`` once it shows an output, sizes in pixels, x and y in canvas units."""

    node_id: str
    project_id: str
    place: int
    output_index: int
    type: str
    label: str | None
    run_id: str | None
    output_id: str | None
    width: int | None
    height: int | None
    x: int
    y: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The node of a run that is about to be placed."""

    node_id: str
    type: str
    label: str
    run_id: str


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


_BOARD = sa.bindparam("board", type_=sa.Text)


def _constant(number: int) -> sa.ColumnClause[int]:
    # Written into the statement: psycopg reads a statement anew each time if it has more than 50 parameters.
    return sa.literal_column(str(number), sa.Integer)


def _next_place(statement: sqlite.Insert | postgresql.Insert) -> sa.Insert:
    return statement.on_conflict_do_update(
        index_elements=["project_id"], set_={"places": boards.c.places + _constant(1)}
    ).returning(boards.c.project_id, boards.c.places)


def _node_at(board: sa.FromClause) -> sa.Insert:
    """Insert a node at the place that ``board`` has just assigned."""
    number = board.c.places - _constant(1)
    parameters = {
        name: sa.bindparam(f"nodes_{name}", type_=nodes.c[name].type)
        for name in ("node_id", "type", "label", "run_id", "created_at")
    }
    placed = {
        "project_id": board.c.project_id,
        "place": number,
        "output_index": _constant(0),
        "x": number % _constant(_COLUMNS) * _constant(_CELL),
        "y": number // _constant(_COLUMNS) * _constant(_CELL),
    }
    return sa.insert(nodes).from_select(
        [*parameters, *placed], sa.select(*parameters.values(), *placed.values())
    )


def place_at_once(after: sa.FromClause | None = None) -> sa.Insert:
    """Assign a place and insert the node there, in one statement of PostgreSQL; `place_values` binds it.

    With ``after``, the board is locked only once that expression has returned a row.
    """
    row = sa.select(_BOARD, _constant(1))
    source = row.select_from(after) if after is not None else row
    statement = postgresql.insert(boards).from_select(["project_id", "places"], source)
    return _node_at(_next_place(statement).cte("board"))


def _next_places(insert: Any) -> sa.Executable:
    """Assign ``count`` places; return the one after them."""
    statement = insert(boards).values(project_id=_BOARD, places=sa.bindparam("count", type_=sa.Integer))
    return statement.on_conflict_do_update(
        index_elements=["project_id"], set_={"places": boards.c.places + statement.excluded.places}
    ).returning(boards.c.places)


_NEXT_PLACES = {
    "sqlite": _next_places(sqlite.insert),
    "postgresql": _next_places(postgresql.insert),
}
_NEXT_PLACE = _next_place(sqlite.insert(boards).values(project_id=_BOARD, places=1))
_NODE_AT_BOARD = _node_at(sa.select(boards).where(boards.c.project_id == _BOARD).subquery())
_PLACE_AT_ONCE = place_at_once()


def place(tx: Transaction, node_id: str, project_id: str, *, type: str, label: str, run_id: str) -> None:
    """Insert a run's node at the project's next free place (rows of four)."""
    node = place_values(tx, node_id, project_id, type=type, label=label, run_id=run_id)
    if tx.dialect == "postgresql":
        tx.execute(_PLACE_AT_ONCE, node)
    else:
        tx.execute(_NEXT_PLACE, {"board": project_id})
        tx.execute(_NODE_AT_BOARD, node)


def place_all(tx: Transaction, project_id: str, placed: Sequence[Placed]) -> None:
    """Insert the nodes of several runs at the project's next free places."""
    end = tx.execute(_NEXT_PLACES[tx.dialect], {"board": project_id, "count": len(placed)}).scalar_one()
    rows = [
        {
            "node_id": node.node_id,
            "project_id": project_id,
            "place": place,
            "output_index": 0,
            "type": node.type,
            "label": node.label[:_LABEL_LENGTH],
            "run_id": node.run_id,
            "x": place % _COLUMNS * _CELL,
            "y": place // _COLUMNS * _CELL,
            "created_at": tx.now_ms,
        }
        for place, node in enumerate(placed, end - len(placed))
    ]
    tx.execute(_INSERT, rows)


def place_values(
    tx: Transaction, node_id: str, project_id: str, *, type: str, label: str, run_id: str
) -> dict[str, Any]:
    """Return what `place_at_once` binds."""
    return {
        "board": project_id,
        "nodes_node_id": node_id,
        "nodes_type": type,
        "nodes_label": label[:_LABEL_LENGTH],
        "nodes_run_id": run_id,
        "nodes_created_at": tx.now_ms,
    }


def place_outputs(
    tx: Transaction, node_id: str, outputs: Sequence[tuple[str, int | None, int | None]]
) -> None:
    """Show a run's outputs, each (output_id, width, height): the first on its node, more next to it."""
    first, *more = outputs
    tx.execute(_FIRST, {"node": node_id, "output": first[0], "wide": first[1], "high": first[2]})
    if not more:
        return
    row = tx.execute(sa.select(*_RECORD).where(nodes.c.node_id == node_id)).one()
    node = NodeRecord(*row)
    for index, (output_id, width, height) in enumerate(more, start=1):
        tx.execute(
            _INSERT,
            {
                "node_id": str(uuid.uuid4()),
                "project_id": node.project_id,
                "place": node.place,
                "output_index": index,
                "type": node.type,
                "label": node.label,
                "run_id": node.run_id,
                "output_id": output_id,
                "width": width,
                "height": height,
                "x": node.x + index * _OFFSET,
                "y": node.y + index * _OFFSET,
                "created_at": tx.now_ms,
            },
        )


def list_nodes(
    tx: Transaction, project_id: str, *, limit: int, after: tuple[int, int] | None = None
) -> list[NodeRecord]:
    """Return a project's nodes in the order they were placed, after the given (place, output_index)."""
    statement = sa.select(*_RECORD).where(nodes.c.project_id == project_id)
    if after is not None:
        # The numbers of a cursor may be larger than those that the columns can have.
        position = sa.tuple_(*(sa.literal(number, sa.BigInteger) for number in after))
        statement = statement.where(sa.tuple_(nodes.c.place, nodes.c.output_index) > position)
    statement = statement.order_by(nodes.c.place, nodes.c.output_index).limit(limit)
    return [NodeRecord(*row) for row in tx.execute(statement)]
