"""The Flask application, to which routes can be added whose input is checked and described."""

from flask_openapi import Info, OpenAPI
from werkzeug.exceptions import HTTPException

from wxbot.api.problems import Problem, from_http, invalid
from wxbot.web.routing import LazyRule

KEY_SCHEME = "key"
_DESCRIPTION = """\
For the site that the bot serves: codes, claims, bindings, followers, events, messages, channels,
webhooks.

Every request carries a key: `Authorization: Bearer wxb_…`, made with `wxbot api-key create NAME`. A key may
be limited to scopes, which each operation names, and to accounts: what belongs to others is 404, like what
does not exist.

A POST with an `Idempotency-Key` is carried out once, however often it is sent within a day. Lists come in
pages: `next` of one is `after` of the following one. A person is a digest, always the same for one person of
one account. Errors are problem details (RFC 9457) with a `code` for programs and a `detail` for people.
"""


def new_app(name: str) -> OpenAPI:
    """Return an application without routes, to which those of the API can be added with `register_api`."""
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
    app.url_rule_class = LazyRule
    app.register_error_handler(HTTPException, from_http)
    # More tools read it than 3.2, and the description has nothing that would be new in 3.2.
    app.openapi_version = "3.1.0"
    return app
