"""Makes the noise of a voice's network an input, so that the same seed gives the same speech.

A Piper voice generates noise with nodes ``RandomNormalLike``. Only a new session resets their state, and
opening one takes seconds. So each of these nodes is replaced by nodes that read as much noise from an input.
The model is changed in its serialised form, a protocol buffer with the field numbers of ``onnx.proto``.
"""

from collections.abc import Iterator

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INPUT = 1, 11
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP, _NODE_ATTRIBUTE = 1, 2, 4, 5
_FLOAT = 1
_INT = 2


class NotAModel(Exception):
    """The bytes are not an ONNX model."""


def noise_as_inputs(model: bytes) -> tuple[bytes, list[str]]:
    """Return the model with a one-dimensional float input for each random node, and those inputs' names.

    An input may have any length; if a node needs more, it is read from the start again. Raises NotAModel.
    """
    try:
        parts: list[bytes] = []
        names: list[str] = []
        for field, value, whole in _fields(memoryview(model)):
            if field == _MODEL_GRAPH and isinstance(value, memoryview):
                graph = _changed_graph(value, names)
                parts += [_key(field, 2), _varint(sum(map(len, graph))), *graph]
            else:
                parts.append(bytes(whole))
    except (IndexError, UnicodeDecodeError) as error:
        raise NotAModel from error
    return b"".join(parts), names


def _changed_graph(graph: memoryview, names: list[str]) -> list[bytes]:
    parts: list[bytes] = []
    for field, value, whole in _fields(graph):
        if field == _GRAPH_NODE and isinstance(value, memoryview):
            texts = _texts(value)
            if texts.get(_NODE_OP) == "RandomNormalLike":
                names.append(f"terrarium_noise_{len(names)}")
                parts += _noise_nodes(names[-1], texts[_NODE_INPUT], texts[_NODE_OUTPUT])
                continue
        parts.append(bytes(whole))
    return parts + [_input(name) for name in names]


def _noise_nodes(noise: str, like: str, output: str) -> list[bytes]:
    """Return nodes for: output = noise[arange(size(like)) % size(noise)].reshape(shape(like))."""

    def own(part: str) -> str:
        return f"{noise}/{part}"

    return [
        _node("Constant", [], own("zero"), value_int=0),
        _node("Constant", [], own("one"), value_int=1),
        _node("Size", [like], own("size")),
        _node("Size", [noise], own("length")),
        _node("Shape", [like], own("shape")),
        _node("Range", [own("zero"), own("size"), own("one")], own("count")),
        _node("Mod", [own("count"), own("length")], own("index")),
        _node("Gather", [noise, own("index")], own("flat")),
        _node("Reshape", [own("flat"), own("shape")], output),
    ]


def _node(op: str, inputs: list[str], output: str, **attributes: int) -> bytes:
    content = b"".join(_field(_NODE_INPUT, name.encode()) for name in inputs)
    content += _field(_NODE_OUTPUT, output.encode()) + _field(_NODE_OP, op.encode())
    for name, value in attributes.items():
        # AttributeProto: name = 1, i = 3, type = 20 with 2 for an integer.
        attribute = _field(1, name.encode()) + _key(3, 0) + _varint(value) + _key(20, 0) + _varint(_INT)
        content += _field(_NODE_ATTRIBUTE, attribute)
    return _field(_GRAPH_NODE, content)


def _input(name: str) -> bytes:
    # ValueInfoProto: name = 1, type = 2; TypeProto: tensor = 1; Tensor: element = 1, shape = 2.
    side = _field(1, _field(2, f"{name}/length".encode()))
    tensor = _key(1, 0) + _varint(_FLOAT) + _field(2, side)
    return _field(_GRAPH_INPUT, _field(1, name.encode()) + _field(2, _field(1, tensor)))


def _texts(message: memoryview) -> dict[int, str]:
    """Return the first text of each field of a node that holds a name."""
    texts: dict[int, str] = {}
    for field, value, _ in _fields(message):
        if field in (_NODE_INPUT, _NODE_OUTPUT, _NODE_OP) and isinstance(value, memoryview):
            texts.setdefault(field, bytes(value).decode())
    return texts


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | None, memoryview]]:
    """Iterate over a message: field number, content of a length-delimited field, and the whole field."""
    place = 0
    while place < len(message):
        start = place
        key, place = _read_varint(message, place)
        value = None
        match key & 7:
            case 0:
                _, place = _read_varint(message, place)
            case 1:
                place += 8
            case 2:
                length, place = _read_varint(message, place)
                value = message[place : place + length]
                place += length
            case 5:
                place += 4
            case _:
                raise IndexError
        if place > len(message):
            raise IndexError
        yield key >> 3, value, message[start:place]


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 127) << shift
        place += 1
        shift += 7
        if byte < 128:
            return number, place


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _field(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content
