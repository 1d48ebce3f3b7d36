"""The kind piper, with the voice of its card."""

from support.speaking import speaking_case

LONG = "The quick brown fox jumps over the lazy dog while the sleepy cat watches from the windowsill. " * 30
CASE = speaking_case("piper", "t2a-piper-joe", LONG)
