"""The kind ``band``: music composed by rules and played on the sampled instruments of a sound font.

`brief` and `compose` are pure Python and fast. Only the process imports `synthesizer` and `mix`.
"""

AUTOMATIC = True
