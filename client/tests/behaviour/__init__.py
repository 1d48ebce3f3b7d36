"""What a user of the client and the command sees, against a real HTTP server on loopback."""
