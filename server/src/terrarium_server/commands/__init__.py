"""The commands this distribution adds to `terrarium`: serve, worker, admin, demo."""
