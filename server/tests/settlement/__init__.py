"""How runs end, and that all that follows from an end adds up."""
