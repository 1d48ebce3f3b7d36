"""What a client can do, one module per resource of the API."""
