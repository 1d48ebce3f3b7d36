"""What a model process may use: set by itself before it reads a request, and inherited by what it starts."""

import json
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

GIB = 1 << 30
_VARIABLE = "TERRARIUM_CHILD_LIMITS"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one kind's processes; None is no limit.

    ``seconds`` of processor time, of all its threads together, is what one job may take. ``memory`` is bytes
    that a process holds for itself, which files that it only maps are not, and on Linux alone;
    ``file_size`` is bytes of one file that it writes, ``files`` how many it may have open.
    """

    seconds: int
    memory: int | None
    file_size: int | None = GIB
    files: int = 256

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return the limits that a process was started with."""
        return cls(**json.loads(environment[_VARIABLE]))

    def as_environment(self) -> dict[str, str]:
        """Return what a process is started with, to know its limits."""
        return {_VARIABLE: json.dumps(asdict(self))}

    def apply(self) -> None:
        """Limit this process, but for processor time: that begins with a job."""
        # A core dump holds whatever the process did, and fills the disk.
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_NOFILE, self.files)
        _limit(resource.RLIMIT_FSIZE, self.file_size)
        self._limit_memory(0)

    def begin_job(self, more_memory: int = 0) -> None:
        """Give this process what one job may use; ``more_memory`` is for the weights that it works with."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + self.seconds)
        self._limit_memory(more_memory)

    def _limit_memory(self, more: int) -> None:
        # Not the address space: libraries reserve several times of what they use. Elsewhere than on Linux
        # this limit is about the heap alone.
        if sys.platform == "linux":
            _limit(resource.RLIMIT_DATA, None if self.memory is None else self.memory + more)


def _limit(what: int, most: int | None) -> None:
    """Set the soft limit; the hard one stays, so that the next job can be given other limits."""
    _, hard = resource.getrlimit(what)
    wanted = resource.RLIM_INFINITY if most is None else most
    if hard != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > hard):
        wanted = hard
    resource.setrlimit(what, (wanted, hard))


def size_of(*files: str | os.PathLike[str]) -> int:
    """Return the bytes of files that are there."""
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file))
