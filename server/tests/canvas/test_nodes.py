"""Nodes are placed in rows of four and show the outputs of their run."""

import uuid

from terrarium_server import canvas
from terrarium_server.canvas import NodeRecord
from terrarium_server.store import Database


def place(database: Database, number: int, *, project: str = "prj_1", label: str = "a fox") -> str:
    node_id = str(uuid.uuid4())
    with database.transaction() as tx:
        canvas.place(tx, node_id, project, type="image", label=label, run_id=f"run_{number}")
    return node_id


def nodes(database: Database, limit: int = 100, after: tuple[int, int] | None = None) -> list[NodeRecord]:
    with database.transaction() as tx:
        return canvas.list_nodes(tx, "prj_1", limit=limit, after=after)


def test_nodes_are_placed_in_rows_of_four_without_overlap(database: Database) -> None:
    for number in range(9):
        place(database, number)
    listed = nodes(database)
    assert [node.place for node in listed] == list(range(9))
    positions = [(node.x, node.y) for node in listed]
    assert len(set(positions)) == 9
    assert [y == positions[0][1] for _x, y in positions] == [True] * 4 + [False] * 5
    assert positions[4][0] == positions[0][0]


def test_a_node_is_empty_until_its_run_has_an_output(database: Database) -> None:
    node_id = place(database, 0)
    [empty] = nodes(database)
    assert (empty.node_id, empty.label, empty.run_id, empty.output_id) == (node_id, "a fox", "run_0", None)
    with database.transaction() as tx:
        canvas.place_outputs(tx, node_id, [("out_1", 640, 480)])
    [shown] = nodes(database)
    assert (shown.node_id, shown.output_id, shown.width, shown.height) == (node_id, "out_1", 640, 480)


def test_more_outputs_are_placed_next_to_the_first(database: Database) -> None:
    node_id = place(database, 0)
    place(database, 1)
    with database.transaction() as tx:
        canvas.place_outputs(tx, node_id, [("out_1", 1, 2), ("out_2", 3, 4), ("out_3", None, None)])
    listed = nodes(database)
    assert [(node.place, node.output_index, node.output_id) for node in listed] == [
        (0, 0, "out_1"),
        (0, 1, "out_2"),
        (0, 2, "out_3"),
        (1, 0, None),
    ]
    assert {(node.type, node.label, node.run_id) for node in listed[:3]} == {("image", "a fox", "run_0")}
    assert len({(node.x, node.y) for node in listed}) == 4


def test_nodes_are_listed_after_a_position(database: Database) -> None:
    first = place(database, 0)
    place(database, 1)
    with database.transaction() as tx:
        canvas.place_outputs(tx, first, [("out_1", 1, 1), ("out_2", 1, 1)])
    all_nodes = nodes(database)
    listed: list[NodeRecord] = []
    while page := nodes(database, 1, (listed[-1].place, listed[-1].output_index) if listed else None):
        listed += page
    assert listed == all_nodes


def test_a_label_is_cut_and_another_projects_nodes_are_not_shown(database: Database) -> None:
    place(database, 0, label="x" * 500)
    place(database, 0, project="prj_2")
    [node] = nodes(database)
    assert node.label == "x" * 80


def test_every_project_counts_its_own_places(database: Database) -> None:
    place(database, 0)
    place(database, 1)
    place(database, 2, project="prj_2")
    with database.transaction() as tx:
        others = canvas.list_nodes(tx, "prj_2", limit=10)
    assert [node.place for node in nodes(database)] == [0, 1]
    assert [node.place for node in others] == [0]
