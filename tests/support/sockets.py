"""The server's side of a websocket, for a `Reply` that takes a connection over."""

import base64
import hashlib
import socket
from collections.abc import Callable, Iterable

from websockets.frames import Frame, Opcode

from support.loopback import Asked

# https://www.rfc-editor.org/rfc/rfc6455#section-1.3
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def websocket(messages: Iterable[str | bytes]) -> Callable[[Asked, socket.socket], None]:
    """Shake hands, say all messages (text or bytes), and stay until the client goes."""

    def take_over(asked: Asked, connection: socket.socket) -> None:
        key = asked.headers["sec-websocket-key"] + _GUID
        accepted = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accepted.encode() + b"\r\n\r\n"
        )
        try:
            for message in messages:
                text = isinstance(message, str)
                frame = Frame(Opcode.TEXT if text else Opcode.BINARY, message.encode() if text else message)
                connection.sendall(frame.serialize(mask=False))
            # Whatever the client says is its goodbye: it has nothing else to say.
            connection.recv(1024)
            connection.sendall(Frame(Opcode.CLOSE, b"").serialize(mask=False))
        except OSError:
            pass  # the client went first

    return take_over
