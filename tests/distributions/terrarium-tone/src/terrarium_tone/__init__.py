"""Pure tones, computed on this machine."""

# One engine named like the kind is there without an [[engine]] in terrarium.toml.
AUTOMATIC = True
