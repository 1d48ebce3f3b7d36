"""Inside the replicate engine: finding a prediction whose answer was lost."""
