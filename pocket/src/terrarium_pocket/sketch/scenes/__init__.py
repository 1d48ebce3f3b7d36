"""One file per scene; each composes itself for a frame from a brief, a palette and dice."""
