"""Terrarium: a self-hosted generation server that speaks the public FLORA API."""

__version__ = "0.1.0"

# How a server that has no models gets the small ones that ship.
INSTALL_POCKET = "pip install 'terrarium-server[pocket]'"

# What other servers are told of who asks: some refuse clients that do not say it. There is no page yet.
USER_AGENT = f"Terrarium/{__version__} (+https://terrarium.example)"
