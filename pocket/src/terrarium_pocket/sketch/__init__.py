"""Pictures, clips and descriptions by rules, without weights, a GPU or a network.

It draws with arithmetic and reads a prompt through a fixed vocabulary. A prompt without a known subject
becomes an abstract picture that still follows the seed and the named colours.
"""

AUTOMATIC = True
