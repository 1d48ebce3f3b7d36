"""Every position survives encoding as a cursor; every other text is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrarium_server.http.paging import decode_cursor, encode_cursor
from terrarium_server.problems import InvalidInput

integers = st.integers(-(2**53) + 1, 2**53 - 1)
ids = st.text(st.characters(categories=("L", "N", "P")), max_size=40)


@given(st.lists(integers | ids, min_size=1, max_size=3))
def test_every_position_survives(position: list[int | str]) -> None:
    cursor = encode_cursor(*position)
    assert decode_cursor(cursor, *(type(part) for part in position)) == tuple(position)
    assert cursor.isascii() and cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=60))
def test_anything_else_is_refused(text: str) -> None:
    try:
        position = decode_cursor(text, int, str)
    except InvalidInput as refusal:
        assert [field.field for field in refusal.fields] == ["cursor"]
    else:
        assert position is not None and [type(part) for part in position] == [int, str]


@pytest.mark.parametrize("absent", [None, ""])
def test_no_cursor_is_the_first_page(absent: str | None) -> None:
    assert decode_cursor(absent, int, str) is None
