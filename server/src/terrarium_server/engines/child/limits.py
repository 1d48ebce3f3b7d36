"""The resource limits of a model process. It sets them itself, and its programs inherit them."""

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
    """The limits of one kind's processes; None means no limit.

    ``seconds`` is the processor time of one job, of all threads together. ``memory`` is the private memory of
    a process in bytes, without mapped files; it works on Linux only. ``file_size`` is the bytes of one file
    that is written, ``files`` the number of open files.
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
        """Return the environment variable from which a process reads these limits."""
        return {_VARIABLE: json.dumps(asdict(self))}

    def apply(self) -> None:
        """Limit this process; the limit on processor time begins with a job."""
        # A core dump would contain callers' data, and fill the disk.
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_NOFILE, self.files)
        _limit(resource.RLIMIT_FSIZE, self.file_size)
        self._limit_memory(0)

    def begin_job(self, more_memory: int = 0) -> None:
        """Allow what one job may use; ``more_memory`` is added for its weights, in bytes."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + self.seconds)
        self._limit_memory(more_memory)

    def _limit_memory(self, more: int) -> None:
        # Not the address space, because libraries reserve several times of what they use. On other systems
        # than Linux this limit covers only the heap.
        if sys.platform == "linux":
            _limit(resource.RLIMIT_DATA, None if self.memory is None else self.memory + more)


def _limit(number: int, limit: int | None) -> None:
    """Set a soft limit; the hard one stays, so that the next job can have another limit."""
    _, hard = resource.getrlimit(number)
    soft = resource.RLIM_INFINITY if limit is None else limit
    if hard != resource.RLIM_INFINITY and (soft == resource.RLIM_INFINITY or soft > hard):
        soft = hard
    resource.setrlimit(number, (soft, hard))


def size_of(*files: str | os.PathLike[str]) -> int:
    """Return the total bytes of those files that exist."""
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file))
