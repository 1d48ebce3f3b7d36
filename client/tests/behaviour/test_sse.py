"""Server-sent events are read as the HTML standard says, wherever the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrarium._sse import Decoder, ServerSentEvent

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)))
NAME = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), min_size=1)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[ServerSentEvent], bytes]:
    """Some events, and one of the ways to write them."""
    events: list[ServerSentEvent] = []
    text = draw(st.sampled_from(["", "\ufeff"]))
    for _ in range(draw(st.integers(0, 5))):
        type, data = draw(NAME), draw(st.lists(LINE, min_size=1, max_size=3))
        events.append(ServerSentEvent(type, "\n".join(data)))
        # The first space of a value is not part of it.
        fields = [f"event: {type}", *(f"data: {line}" for line in data)]
        position = draw(st.integers(0, len(fields)))
        fields[position:position] = draw(st.lists(LINE.map(lambda text: f":{text}"), max_size=2))
        end = draw(st.sampled_from(["\n", "\r", "\r\n"]))
        text += "".join(f"{line}{end}" for line in [*fields, ""])
    return events, text.encode()


def read(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@given(streams(), st.data())
def test_events_are_read_wherever_they_are_cut(
    stream: tuple[list[ServerSentEvent], bytes], data: st.DataObject
) -> None:
    events, text = stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    chunks = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*chunks) == events


@given(st.lists(st.binary()))
def test_any_bytes_can_be_read(chunks: list[bytes]) -> None:
    assert read(*chunks) == read(b"".join(chunks))


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"data\n\n", [("message", "")]),
        (b"data:x\ndata:  y\n\n", [("message", "x\n y")]),
        (b"event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", [("b", "1"), ("message", "2")]),
        (b"event: a\n\ndata: 1\n\n", [("message", "1")]),
        (b"unknown: 1\n: comment\n:\n\ndata: 1", []),
        (b"data: \xff\n\n", [("message", "\ufffd")]),
    ],
)
def test_fields_mean_what_the_standard_says(text: bytes, events: list[tuple[str, str]]) -> None:
    assert [(event.type, event.data) for event in read(text)] == events


def test_an_id_counts_once_its_event_is_complete() -> None:
    decoder = Decoder("4")
    list(decoder.feed(b"id: 5\ndata: x\n"))
    assert decoder.last_id == "4"
    list(decoder.feed(b"\ndata: without an id\n\nid: 6\0\n\n"))
    assert decoder.last_id == "5"
    list(decoder.feed(b"id: 7\n\n"))
    assert decoder.last_id == "7"


def test_the_wait_between_connections_is_a_number() -> None:
    decoder = Decoder()
    list(decoder.feed(b"retry: soon\nretry: 1500\nretry: -1\nretry: 99999999999\n\n"))
    assert decoder.retry == 1500
