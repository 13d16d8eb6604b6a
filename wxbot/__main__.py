"""`python -m wxbot`."""

from wxbot.cli import main

main()
