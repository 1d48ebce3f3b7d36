"""Models on fal, through its queue."""
