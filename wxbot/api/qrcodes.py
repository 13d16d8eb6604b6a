"""`/api/v1/qrcodes`: mint, find and list codes."""

import base64
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Annotated, Any

from flask import Response, request
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from wxbot import clock
from wxbot.api.application import KEY_SCHEME
from wxbot.api.keys import Keys
from wxbot.api.problems import ProblemError, documented, from_http, from_wxbot, problem
from wxbot.errors import WxbotError
from wxbot.qrcodes.kinds import LARGEST_NUMBER, LONGEST_SECONDS, SHORTEST_SECONDS
from wxbot.qrcodes.listing import Page, Position, list_codes
from wxbot.qrcodes.mint import WEEK_SECONDS, Code, Minter

LARGEST_BODY = 16 * 1024


def _whole(value: object) -> object:
    """Let JSON's numbers through that are whole, however they are written, and nothing that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Bounds come before the check, or they would be missing in the description.
SceneNumber = Annotated[int, Field(ge=1, le=LARGEST_NUMBER), BeforeValidator(_whole)]
SceneText = Annotated[str, Field(strict=True, pattern="^[A-Za-z0-9_.:=-]{1,64}$")]
Lifetime = Annotated[int, Field(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS), BeforeValidator(_whole)]
AccountName = Annotated[str, Field(strict=True, description="The name of the account, if there are several.")]


class WantedCode(BaseModel):
    """What is to be minted."""

    model_config = ConfigDict(extra="forbid")

    scene: SceneNumber | SceneText = Field(
        description="What a scan brings to the handler: a number makes a number code, a text a text code."
    )
    expires_in: Lifetime | None = Field(
        WEEK_SECONDS,
        description="How many seconds the code is to work; null for a permanent one, of which there are few.",
    )
    account: AccountName | None = None


class ScenePath(BaseModel):
    """Which code is asked for."""

    scene: str = Field(description="The scene, a number as its digits.")


class CodeQuery(BaseModel):
    """Which of the codes of a scene is asked for."""

    model_config = ConfigDict(extra="forbid")

    account: AccountName | None = None
    is_permanent: bool | None = Field(
        None, description="Only the permanent code, or only the temporary one; else the permanent one first."
    )


class ListQuery(BaseModel):
    """Which codes are listed."""

    model_config = ConfigDict(extra="forbid")

    account: AccountName | None = None
    is_permanent: bool | None = Field(None, description="Only permanent codes, or only temporary ones.")
    limit: int = Field(50, ge=1, le=200, description="How many codes at most.")
    after: str | None = Field(None, max_length=512, description="`next` of the page before.")


class ShownCode(BaseModel):
    """A code. Times are UTC."""

    account: str
    scene: str = Field(description="The scene as an event brings it, a number as its digits.")
    is_integer: bool = Field(description="Whether it is a number code.")
    is_permanent: bool
    ticket: str = Field(description="WeChat's handle of the code.")
    url: str = Field(description="What the picture of the code contains.")
    created_at: datetime
    expires_at: datetime | None = Field(description="null for a permanent code.")


class CodePage(BaseModel):
    """Some codes, the newest first."""

    items: list[ShownCode]
    next: str | None = Field(description="What to send as `after` for the next page; null on the last one.")


def qrcodes_api(
    minter: Minter,
    engine: Engine,
    *,
    keys: Keys,
    accounts: Collection[str],
    now: Callable[[], datetime] = clock.now,
) -> APIBlueprint:
    """Return the routes; each of them needs an API key."""
    api = _guarded_api(keys, now)

    @api.post("/qrcodes", responses={200: ShownCode, **documented(404, 409, 502)})
    def mint(body: WantedCode) -> dict[str, Any]:
        """Mint a code.

        The code there is is returned if it has enough life left, which is half of `expires_in`. The same
        request may be sent any number of times.
        """
        account = _account(body.account, accounts)
        return _shown(minter.mint(body.scene, account=account, expires_in=body.expires_in))

    @api.get("/qrcodes", responses={200: CodePage, **documented(404)})
    def listed(query: ListQuery) -> dict[str, Any]:
        """List codes.

        The newest come first, also those that have expired.
        """
        account = None if query.account is None else _account(query.account, accounts)
        after = None if query.after is None else _position(query.after)
        return _shown_page(
            list_codes(
                engine, account=account, is_permanent=query.is_permanent, after=after, limit=query.limit
            )
        )

    @api.get("/qrcodes/<scene>", responses={200: ShownCode, **documented(404)})
    def one(path: ScenePath, query: CodeQuery) -> dict[str, Any]:
        """Find a code.

        Nothing is minted; a code that has expired is returned as well.
        """
        account = _account(query.account, accounts)
        code = minter.find(path.scene, account=account, is_permanent=query.is_permanent)
        if code is None:
            raise ProblemError(404, "not_found", "no such code has been minted")
        return _shown(code)

    return api


def _guarded_api(keys: Keys, now: Callable[[], datetime]) -> APIBlueprint:
    api = APIBlueprint(
        "api",
        __name__,
        url_prefix="/api/v1",
        abp_tags=[Tag(name="QR codes")],
        abp_security=[{KEY_SCHEME: []}],
        abp_responses=documented(401, 413, 422, 503),
    )

    @api.before_request
    def check_key() -> Response | None:
        request.max_content_length = LARGEST_BODY
        sent = request.authorization
        if sent is not None and sent.type == "bearer" and keys.verify(sent.token or ""):
            return None
        return problem(
            401,
            "no_key",
            "send an API key that works, as `Authorization: Bearer wxb_…`; `wxbot api-key create` makes one",
            headers={"WWW-Authenticate": 'Bearer realm="wxbot"'},
        )

    @api.after_request
    def keep_private(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    @api.errorhandler(WxbotError)
    def not_done(error: WxbotError) -> Response:
        return from_wxbot(error, now=now())

    @api.errorhandler(SQLAlchemyError)
    def no_database(_: SQLAlchemyError) -> Response:
        return problem(503, "database", "the database does not answer", headers={"Retry-After": "5"})

    @api.app_errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response | HTTPException:
        return from_http(error)

    return api


def _account(asked_for: str | None, known: Collection[str]) -> str:
    """Return the account that is meant: the one named, `default`, or the only one."""
    name = asked_for or (next(iter(known)) if len(known) == 1 else "default")
    if name not in known:
        raise ProblemError(404, "no_account", "there is no such account; say which with `account`")
    return name


def _shown(code: Code) -> dict[str, Any]:
    return {
        "account": code.account,
        "scene": code.scene,
        "is_integer": code.is_integer,
        "is_permanent": code.is_permanent,
        "ticket": code.ticket,
        "url": code.url,
        "created_at": _moment(code.created_at),
        "expires_at": None if code.expires_at is None else _moment(code.expires_at),
    }


def _shown_page(page: Page) -> dict[str, Any]:
    return {
        "items": [_shown(code) for code in page.codes],
        "next": None if page.after is None else _cursor(page.after),
    }


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _cursor(position: Position) -> str:
    fields = [position.created_at, position.account, position.scene, position.is_permanent]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        fields = json.loads(text)
        if [type(each) for each in fields] != [int, str, str, bool] or abs(fields[0]) >= 2**62:
            raise ValueError
    except (ValueError, TypeError):
        raise ProblemError(422, "bad_cursor", "`after` is not what a page named as `next`") from None
    created_at, account, scene, is_permanent = fields
    return Position(created_at=created_at, account=account, scene=scene, is_permanent=is_permanent)
