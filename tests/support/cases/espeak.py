"""The kind espeak."""

from support.speaking import speaking_case

CASE = speaking_case("espeak", "t2a-espeak", "Ten. " * 3900)
