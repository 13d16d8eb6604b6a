"""What can come of a call. No key, no address and no body is in any of these."""

from collections.abc import Mapping

from wxbot.errors import WxbotError


class ClientError(WxbotError):
    """A call that was not answered as asked."""


class UnreachableError(ClientError):
    """No answer came: the bot is out of reach, or what answered is no bot."""


class ProblemError(ClientError):
    """The API says why not: `code` is for programs, `detail` for people.

    `retry_after` are the seconds after which to try again, None where that would not help. `fields` says
    what is wrong with each field of the request.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after: int | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.fields = dict(fields or {})
        wrong = "".join(f"; {field}: {message}" for field, message in self.fields.items())
        super().__init__(f"{detail} ({status} {code}{wrong})")


class NotAllowedError(ProblemError):
    """The key was revoked, or lacks a scope."""


class NotFoundError(ProblemError):
    """There is no such thing, or it is not this key's to see."""


class ConflictError(ProblemError):
    """It is not possible as things stand: a claim that has ended, a number that is taken."""


class RefusedError(ProblemError):
    """The request is wrong, whenever it is sent."""


class UnavailableError(ProblemError):
    """Not now: WeChat or the database does not answer, a limit is reached, or the first try still runs."""


def of_problem(status: int, code: str) -> type[ProblemError]:
    """Return the class of error for a status and a code."""
    if code == "idempotency_running":
        return UnavailableError
    if status in (401, 403):
        return NotAllowedError
    if status >= 500 or status == 429:
        return UnavailableError
    return {404: NotFoundError, 409: ConflictError}.get(status, RefusedError)
