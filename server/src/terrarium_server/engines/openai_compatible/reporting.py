"""How a call reports its progress: a fraction from 0 to 1, and a preview if there is one."""

from collections.abc import Callable

from terrarium_server.engines import Output

Report = Callable[[float, Output | None], None]
