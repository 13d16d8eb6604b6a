"""The pages that describe the API: made when somebody asks for them, out of the same code."""

import threading
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, render_template, send_file

from wxbot.api.application import KEY_SCHEME, new_app
from wxbot.api.guard import GuardedApi
from wxbot.clock import DAY_SECONDS

# The page asks nobody but this server, whatever the script would like to ask.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_blueprint(describe: Callable[[], Iterable[GuardedApi]]) -> Blueprint:
    """Return `/api/v1/openapi.json` and `/api/docs`. They say what the code says, and need no key.

    `describe` returns the parts of the API with their schemas; it is asked once, when somebody wants to know.
    """
    blueprint = Blueprint("api_docs", __name__, url_prefix="/api", template_folder="templates")
    # It takes a third of a second of a processor, once: strangers who all ask first must not have it made for
    # each of them, nor written anew for each that follows.
    making = threading.Lock()
    script = Path(str(files("flask_openapi_scalar") / "templates/scalar/js/scalar.standalone.js"))

    @cache
    def document() -> str:
        app = new_app("description")
        for api in describe():
            app.register_api(api.blueprint)
        return app.json.dumps(app.api_doc)

    @blueprint.get("/v1/openapi.json")
    def description() -> Response:
        with making:
            text = document()
        return Response(text, content_type="application/json")

    @blueprint.get("/docs")
    def docs() -> Response:
        page = render_template("docs.html", key_scheme=KEY_SCHEME)
        return Response(page, headers={"Content-Security-Policy": _POLICY})

    @blueprint.get("/docs/scalar.js")
    def docs_script() -> Response:
        return send_file(script, mimetype="text/javascript", max_age=DAY_SECONDS)

    return blueprint
