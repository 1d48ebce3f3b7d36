"""The pocket models: small enough for any machine, free enough to ship.

Each kind of engine is a package with its own ``engine``, ``process`` and ``cards``. A server finds them
through the entry points of this distribution. `looks` and `speech` are libraries that kinds share.
"""

__version__ = "0.1.0"
