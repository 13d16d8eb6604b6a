"""Who may see a page: whoever shows an API key once gets a cookie that holds its name, not the key."""

from collections.abc import Callable, Sequence

from flask import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

# Called with the scene and `account=` of a code that was made.
Note = Callable[..., None]

COOKIE = "wxbot_page"
COOKIE_SECONDS = 12 * 3600


class Login:
    """Checks the requests of guarded pages.

    `is_user` says whether somebody asks who is logged in to the dashboard; `noting` returns how it is noted
    that they have had a code made, None for those who may not do what costs the account's quota. `identify`
    returns the public part of a key that is good, else None; `is_active` says whether the key with this
    public part has not been revoked. `secret_keys` are newest first.
    """

    def __init__(
        self,
        *,
        identify: Callable[[str], str | None],
        is_active: Callable[[str], bool],
        is_user: Callable[[Request], bool],
        noting: Callable[[Request], Note | None],
        secret_keys: Sequence[str],
    ) -> None:
        self._identify = identify
        self._is_active = is_active
        self._is_user = is_user
        self._noting = noting
        self._cookies = URLSafeTimedSerializer(list(reversed(secret_keys)), salt="wxbot page of a code")

    def is_known(self, request: Request) -> bool:
        """Say whether the request carries a key, the cookie of one that is still good, or that of a user."""
        return self.has_key(request) or (not _has_bearer(request) and self._is_user(request))

    def has_key(self, request: Request) -> bool:
        """Say whether the request carries a good key, or its cookie: for these, to look is to mint."""
        if _has_bearer(request):
            assert request.authorization is not None
            return self._identify(request.authorization.token or "") is not None
        return self.has_cookie(request)

    def noting(self, request: Request) -> Note | None:
        """Return how to note that a user has had a code made, None where nobody asks who may."""
        return None if _has_bearer(request) else self._noting(request)

    def has_cookie(self, request: Request) -> bool:
        """Say whether the request carries the cookie of a key that is still good."""
        try:
            key_id = self._cookies.loads(request.cookies.get(COOKIE, ""), max_age=COOKIE_SECONDS)
        except BadData:
            return False
        return isinstance(key_id, str) and self._is_active(key_id)

    def sign_in(self, key: str, response: Response, *, is_secure: bool) -> bool:
        """Give the cookie to somebody with a good key; False for any other."""
        key_id = self._identify(key.strip())
        if key_id is None:
            return False
        response.set_cookie(
            COOKIE,
            self._cookies.dumps(key_id),
            max_age=COOKIE_SECONDS,
            path="/qrcode",
            secure=is_secure,
            httponly=True,
            samesite="Lax",
        )
        return True

    def sign_out(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(COOKIE, path="/qrcode", httponly=True, samesite="Lax")


def _has_bearer(request: Request) -> bool:
    return request.authorization is not None and request.authorization.type == "bearer"
