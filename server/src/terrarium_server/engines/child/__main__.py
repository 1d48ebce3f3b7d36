"""Runs the process module of a kind: ``python -m terrarium_server.engines.child some_engine.process``.

The pipes are taken before the module is imported: it may print, and so may all that it imports.
"""

import runpy
import sys

from ._pipes import server_pipes

server_pipes()
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
