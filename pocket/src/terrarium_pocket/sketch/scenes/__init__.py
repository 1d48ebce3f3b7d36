"""The scenes, each composed for a frame from a parsed prompt, a palette and a random generator."""
