"""The kind ``piper``: natural speech by Piper voices, small networks for many languages."""

AUTOMATIC = True
