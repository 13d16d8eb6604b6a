"""`/q/<name>`: the image of a living code, cached by browsers for no longer than it is good."""

import hashlib
import logging
from functools import lru_cache
from typing import Literal

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from wxbot.qrcodes.drawing import MEDIA_TYPES, draw
from wxbot.qrcodes.living import LivingCodes, NotShownError, UnknownNameError
from wxbot.qrcodes.mint import Code

# A new scene of a name is seen after this long at the latest, and an image that was copied goes on working.
LONGEST_CACHED_SECONDS = 3600
RETRY_SECONDS = 30
UNKNOWN = "没有这个二维码，请检查网址。\nThere is no such code; please check the address.\n"
NOT_SHOWN = (
    "二维码暂时取不到，请过一会儿再刷新。\n"
    "The code cannot be shown at the moment; please reload in a little while.\n"
)

_Kind = Literal["svg", "png"]

log = logging.getLogger(__name__)
_draw = lru_cache(maxsize=256)(draw)


def images_blueprint(living: LivingCodes) -> Blueprint:
    """Return `/q/<name>` with `.png` or `.svg` behind the name; without, a PNG. Needs no login."""
    blueprint = Blueprint("images", __name__)

    @blueprint.get("/q/<name>")
    def image(name: str) -> Response:
        name, dot, ending = name.partition(".")
        if dot and ending not in MEDIA_TYPES:
            return _words(UNKNOWN, status=404)
        try:
            code = living.show(name)
        except UnknownNameError:
            return _words(UNKNOWN, status=404)
        except NotShownError:
            return _not_shown()
        except SQLAlchemyError as error:
            log.error("the living code %s needs the database, which failed: %s", name, type(error).__name__)
            return _not_shown()
        return _image(code, "svg" if ending == "svg" else "png", seconds_left=living.seconds_left(code))

    return blueprint


def _image(code: Code, kind: _Kind, *, seconds_left: float) -> Response:
    response = Response(_draw(code.url, kind=kind), content_type=MEDIA_TYPES[kind])
    # Half of what is left at most: who looks at a cached image still has time to scan it.
    seconds = min(int(seconds_left / 2), LONGEST_CACHED_SECONDS)
    response.headers["Cache-Control"] = f"public, max-age={seconds}, must-revalidate"
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_etag(hashlib.sha256(f"{kind} {code.url}".encode()).hexdigest()[:32])
    return response.make_conditional(request)  # type: ignore[return-value]


def _not_shown() -> Response:
    response = _words(NOT_SHOWN, status=503)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _words(text: str, *, status: int) -> Response:
    response = Response(text, status=status, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
