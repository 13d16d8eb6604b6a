"""The life of one event on our side: recalled or run, settled, answered the same every time."""
