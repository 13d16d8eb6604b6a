"""Whether this process lives, and whether it can answer scans."""

import logging
from collections.abc import Sequence

from flask import Blueprint, Response, jsonify
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot.db import migrate
from wxbot.db.models import events

log = logging.getLogger(__name__)


def health_blueprint(engine: Engine, *, skipped: Sequence[str]) -> Blueprint:
    """Return `/healthz` (alive) and `/readyz` (503: cannot answer scans; degraded: plugins are left out)."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        database = _database(engine)
        state = "unavailable" if database != "ok" else "degraded" if skipped else "ready"
        answer = jsonify(status=state, database=database, skipped_plugins=len(skipped))
        return answer, 200 if database == "ok" else 503

    return blueprint


def _database(engine: Engine) -> str:
    try:
        with engine.connect() as connection:
            connection.execute(select(events.c.key).limit(1))
        return "ok" if migrate.current(engine) == migrate.head() else "needs migration"
    except SQLAlchemyError as error:
        log.error("the database does not answer: %s", type(error).__name__)
        return "unreachable"
