"""Models on Replicate, as predictions."""
