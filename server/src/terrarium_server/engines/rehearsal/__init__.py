"""The kind ``rehearsal``: a fake engine for tests of clients, free and instant.

Its jobs fail, hang or get lost if a parameter says so. No card that comes with the server uses it.
"""

AUTOMATIC = True
