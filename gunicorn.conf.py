"""How gunicorn runs wxbot. `wxbot serve` uses this file too; gunicorn's command line overrides each value."""

import os
import subprocess
import sys
from typing import Any

wsgi_app = "wsgi:app"
bind = os.environ.get("WXBOT_BIND", "127.0.0.1:8000")

# Threads, because a handler that waits must not keep the next scan waiting; two processes, so that one
# can be replaced while the other answers.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 16
keepalive = 15
graceful_timeout = 10
# A process that does not give a sign of life for so long is replaced: some handler keeps Python to itself.
timeout = 10

# gunicorn's control socket has one fixed place for a user: a second bot would take it from the first.
control_socket_disable = True

# No access log: the query string holds signatures, and whoever reads one may replay it for a while.
accesslog = None
errorlog = "-"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
        "alembic": {"level": "WARNING"},
    },
}


def on_starting(_server: Any) -> None:
    """Refuse a bad configuration once, in words and with code 78, before any worker fails on it.

    In a process of its own: what is imported here stays imported in every worker, also after a reload.
    """
    checked = subprocess.run([sys.executable, "-m", "wxbot", "check", "--quiet"], check=False)
    if checked.returncode:
        sys.exit(checked.returncode)
