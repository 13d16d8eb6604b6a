"""Pages in one layout for a part of the site: the reader's language, strict headers, cookies of its own."""

import logging
import secrets
from collections.abc import Mapping
from pathlib import Path

from flask import Blueprint, Response, json, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy.exc import SQLAlchemyError

from wxbot.web.headers import guarded, nonce_policy
from wxbot.web.language import Words, language_of_request, other_language, words_in

LARGEST_FORM_BYTES = 4096
_YEAR_SECONDS = 31_536_000
_TEMPLATES = Path(__file__).parent / "templates"

log = logging.getLogger(__name__)

COMMON: Words = {
    "switch_language": ("English", "中文"),
    "busy": ("系统忙", "Busy"),
    "busy_why": ("请过一会儿再试。", "Please try again in a little while."),
    "try_again": ("再试一次", "Try again"),
    "no_script": (
        "浏览器关闭了脚本，页面不会自动更新，请隔一会儿手动刷新。",
        "Scripts are off, so this page does not follow by itself; please reload it now and then.",
    ),
}


class Pages:
    """The pages below `/<name>`; `words` go into their templates as `t`, `module` has them beside it.

    Templates extend `web/page.html`, which has the blocks title, style, main and script. What a page runs or
    paints carries the page's nonce, and a page asks nobody but this server. Without `has_scripts`: runs none.
    """

    def __init__(self, name: str, words: Words, module: str, *, has_scripts: bool = True) -> None:
        self.name = name
        self._has_scripts = has_scripts
        self.blueprint = Blueprint(name, module, url_prefix=f"/{name}", template_folder="templates")
        own = Path(self.blueprint.root_path) / "templates"
        self.blueprint.jinja_loader = ChoiceLoader([FileSystemLoader(own), FileSystemLoader(_TEMPLATES)])
        self._words = {**COMMON, **words}
        self.blueprint.register_error_handler(SQLAlchemyError, self._no_database)

    def show(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Return a page in the reader's language."""
        language = self.language()
        nonce = secrets.token_urlsafe(16)
        html = render_template(
            template,
            t=self.words(language),
            lang=language,
            other=other_language(language),
            nonce=nonce,
            **values,
        )
        response = guarded(Response(html, status=status), nonce_policy(nonce, has_scripts=self._has_scripts))
        self.set_cookie(response, "lang", language, max_age=_YEAR_SECONDS)
        return response

    def _no_database(self, error: SQLAlchemyError) -> Response:
        log.error("a page of %s needs the database, which failed: %s", self.name, type(error).__name__)
        return self.show("web/busy.html", status=503)

    def words(self, language: str) -> dict[str, str]:
        """Return the words in one of LANGUAGES."""
        return words_in(self._words, language)

    def language(self) -> str:
        """Return the language of the request."""
        return language_of_request(self.cookie("lang"))

    def cookie(self, name: str) -> str:
        """Return a cookie of these pages that the request carries, else an empty text."""
        return request.cookies.get(f"wxbot_{self.name}_{name}", "")

    def set_cookie(
        self, response: Response, name: str, value: str, *, max_age: int, is_strict: bool = False
    ) -> None:
        """Give the browser a cookie that only these pages get, and no script.

        `is_strict`: not even when somebody comes by a link from another site, as from WeChat's own pages.
        """
        response.set_cookie(
            f"wxbot_{self.name}_{name}",
            value,
            path=f"/{self.name}",
            max_age=max_age,
            secure=request.is_secure,
            httponly=True,
            samesite="Strict" if is_strict else "Lax",
        )

    def delete_cookie(self, response: Response, name: str) -> None:
        """Take a cookie away."""
        response.delete_cookie(
            f"wxbot_{self.name}_{name}", path=f"/{self.name}", secure=request.is_secure, httponly=True
        )


def bare(response: Response) -> Response:
    """Return an answer that is no page of ours, with the headers of one that may load nothing."""
    return guarded(response, nonce_policy(""))


def as_json(values: Mapping[str, object], *, status: int = 200) -> Response:
    """Return what a page's own script asks for."""
    return bare(Response(json.dumps(values), status=status, content_type="application/json"))
