"""Errors of the API, all of one shape: problem details (RFC 9457) with a `code` for programs."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from flask import Response, json, request
from flask_openapi.types import ResponseDict
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from wxbot.errors import WxbotError
from wxbot.qrcodes.kinds import SceneRefusedError, SceneTakenError
from wxbot.qrcodes.mint import MintingError
from wxbot.qrcodes.numbers import NumberRefusedError
from wxbot.wechat.errcodes import ApiError, BlockedError, BusyError, QuotaError, UnreachableError

MEDIA_TYPE = "application/problem+json"
# All that there are: mypy holds the code to it, a test the pages for those who write the site.
# fmt: off
Code = Literal[
    "no_key", "scope",
    "not_found", "no_account", "bad_cursor", "no_token", "no_login",
    "wrong_method", "too_large", "refused", "failed",
    "claim_state", "claim_purpose", "number_refused", "taken", "name_taken", "channel_refused",
    "webhook_refused", "delivery_under_way", "conflict", "idempotency_mismatch", "idempotency_running",
    "invalid", "scene_refused", "claim_refused", "binding_refused", "bad_idempotency_key",
    "wechat_refused",
    "quota", "blocked", "try_again", "database", "streams",
]
# fmt: on
_NO_OBJECT = "the body must be a JSON object, sent as `Content-Type: application/json`"
CODES: Mapping[int, Code] = {404: "not_found", 405: "wrong_method", 413: "too_large"}


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was not answered as asked."""

    type: str = Field(description="Always about:blank: `code` says which problem it is.")
    title: str = Field(description="The meaning of the status.")
    status: int
    code: Code = Field(description="Which problem it is; it stays the same when the text changes.")
    detail: str = Field(description="What happened, and what to do about it.")
    errcode: int | None = Field(None, description="WeChat's error code, where WeChat gave one.")
    errors: list[FieldProblem] | None = Field(None, description="What is wrong with each field.")


class ProblemError(WxbotError):
    """Ends a request with a problem."""

    def __init__(self, status: int, code: Code, detail: str) -> None:
        self.status = status
        self.code = code
        super().__init__(detail)


def documented(*statuses: int) -> ResponseDict:
    """Return the description of these problems for OpenAPI."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def problem(
    status: int, code: Code, detail: str, *, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """Return the answer for a problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **{name: value for name, value in more.items() if value is not None},
    }
    return Response(
        json.dumps(body, ensure_ascii=False), status=status, headers=headers, content_type=MEDIA_TYPE
    )


def invalid(error: ValidationError) -> Response:
    """Return the answer for a request that does not fit the description."""
    errors = [
        # What follows the first part names our own types, when a field may have one of several.
        {"field": str(each["loc"][0]), "message": each["msg"]}
        if each["loc"]
        else {"field": "", "message": _NO_OBJECT}
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return problem(422, "invalid", "the request does not fit the description of the API", errors=errors)


def from_http(error: HTTPException) -> Response | HTTPException:
    """Return a problem for what Flask refuses under `/api/`; elsewhere one line, which reflects nothing."""
    if error.code is None:
        return error
    if not request.path.startswith("/api/"):
        line = f"{error.name}\n".lower()
        return Response(line, status=error.code, content_type="text/plain; charset=utf-8")
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in ("content-type", "content-length")
    }
    code: Code = CODES.get(error.code, "failed" if error.code >= 500 else "refused")
    return problem(error.code, code, error.description or "", headers=headers)


def from_wxbot(error: WxbotError, *, now: datetime) -> Response:
    """Return a problem for what could not be done, with the seconds after which to try again."""
    detail = str(error)
    if isinstance(error, ProblemError):
        return problem(error.status, error.code, detail)
    if isinstance(error, NumberRefusedError):
        return problem(409, "number_refused", detail)
    if isinstance(error, SceneTakenError):
        return problem(409, "taken", detail)
    if isinstance(error, SceneRefusedError):
        return problem(422, "scene_refused", detail)
    if isinstance(error, QuotaError | BlockedError):
        seconds = max(1, round((error.ends_at - now).total_seconds()))
        code: Code = "quota" if isinstance(error, QuotaError) else "blocked"
        return problem(503, code, detail, headers={"Retry-After": str(seconds)}, errcode=error.errcode)
    if isinstance(error, BusyError | UnreachableError | MintingError):
        headers = {"Retry-After": "60" if isinstance(error, MintingError) else "5"}
        return problem(503, "try_again", detail, headers=headers)
    if isinstance(error, ApiError):
        return problem(502, "wechat_refused", detail, errcode=error.errcode)
    return problem(409, "conflict", detail)
