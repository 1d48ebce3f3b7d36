"""The server's side of a websocket, for a `Reply` that takes a connection over."""

import base64
import hashlib
import socket
from collections.abc import Callable, Iterable

from websockets.frames import Frame, Opcode

from support.loopback import Request

# https://www.rfc-editor.org/rfc/rfc6455#section-1.3
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def websocket(messages: Iterable[str | bytes]) -> Callable[[Request, socket.socket], None]:
    """Accept the websocket, send all messages (text or bytes), and wait until the client closes it."""

    def take_over(request: Request, connection: socket.socket) -> None:
        key = request.headers["sec-websocket-key"] + _GUID
        accepted = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accepted.encode() + b"\r\n\r\n"
        )
        try:
            for message in messages:
                if isinstance(message, str):
                    frame = Frame(Opcode.TEXT, message.encode())
                else:
                    frame = Frame(Opcode.BINARY, message)
                connection.sendall(frame.serialize(mask=False))
            # The only frame that the client sends is its close frame.
            connection.recv(1024)
            connection.sendall(Frame(Opcode.CLOSE, b"").serialize(mask=False))
        except OSError:
            pass  # the client closed the connection first

    return take_over
