"""The Flask application, one that can describe its API, and the pages of that description."""

from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, jsonify, render_template, send_file
from flask_openapi import Info, OpenAPI

from wxbot.api.problems import Problem, invalid

KEY_SCHEME = "key"
_DESCRIPTION = """\
Codes are minted for scenes: `POST /api/v1/qrcodes`. The same request returns the same code as long as it has
enough life left, so that it may be repeated freely.

Every request carries a key: `Authorization: Bearer wxb_…`, made with `wxbot api-key create NAME`. Errors are
problem details (RFC 9457) with a `code` for programs and a `detail` for people.
"""
# The page asks nobody but this server, whatever the script would like to ask.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def new_app(name: str) -> OpenAPI:
    """Return an application without routes, to which described ones can be added with `register_api`."""
    app = OpenAPI(
        name,
        info=Info(title="wxbot", version="1", description=_DESCRIPTION),
        security_schemes={KEY_SCHEME: {"type": "http", "scheme": "bearer"}},
        validation_error_callback=invalid,
        validation_error_model=Problem,
        # Its own would serve every plugin that happens to be installed.
        doc_ui=False,
        static_folder=None,
    )
    # More tools read it than 3.2, and the description has nothing that would be new in 3.2.
    app.openapi_version = "3.1.0"
    return app


def docs_blueprint(app: OpenAPI) -> Blueprint:
    """Return `/api/v1/openapi.json` and `/api/docs`. They say what the code says, and need no key."""
    blueprint = Blueprint("api_docs", __name__, url_prefix="/api", template_folder="templates")
    script = Path(str(files("flask_openapi_scalar") / "templates/scalar/js/scalar.standalone.js"))

    @blueprint.get("/v1/openapi.json")
    def description() -> Response:
        return jsonify(app.api_doc)

    @blueprint.get("/docs")
    def docs() -> Response:
        page = render_template("docs.html", key_scheme=KEY_SCHEME)
        return Response(page, headers={"Content-Security-Policy": _POLICY})

    @blueprint.get("/docs/scalar.js")
    def docs_script() -> Response:
        return send_file(script, mimetype="text/javascript", max_age=86_400)

    return blueprint
