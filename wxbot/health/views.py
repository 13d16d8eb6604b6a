"""`/healthz`, `/readyz` and `/metrics`."""

from collections.abc import Collection

from flask import Blueprint, Response, jsonify

from wxbot import metrics
from wxbot.health.readiness import State, Watched, findings, overall
from wxbot.health.readings import readings


def health_blueprint(watched: Watched, *, accounts: Collection[str]) -> Blueprint:
    """Return `/healthz` (alive), `/readyz` (503: cannot answer scans) and `/metrics`."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found = findings(watched)
        state = overall(found)
        checks = {each.part: {"state": each.state, "detail": each.detail} for each in found}
        return jsonify(status=state, checks=checks), 503 if state is State.UNAVAILABLE else 200

    @blueprint.get("/metrics")
    def tell_metrics() -> Response:
        told = metrics.exposition(lambda: readings(watched, accounts))
        return Response(told, content_type=metrics.CONTENT_TYPE)

    return blueprint
