"""Handlers that leave a line in a file whenever they run: nothing hostile may ever cause one."""
