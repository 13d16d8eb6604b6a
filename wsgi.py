"""`gunicorn wsgi:app`."""

from wxbot.app import create_app

app = create_app()
