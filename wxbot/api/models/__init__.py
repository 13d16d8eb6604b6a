"""What goes in and out of the API, for its routes and for the client; without Flask and without tables."""
