"""How many files and connections this process may have open."""

import resource
from contextlib import suppress

# More would help nothing, and some programs take time or memory for each number that is allowed.
_ENOUGH = 65_536


def raise_descriptor_limit() -> int:
    """Raise the soft limit on open descriptors to the hard one, at most 65,536; return the limit now.

    The usual soft limit of 1,024 is less than a server's connections. Model processes set their own limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS reports no hard limit and refuses what is above the kernel's.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENOUGH if soft == resource.RLIM_INFINITY else soft
