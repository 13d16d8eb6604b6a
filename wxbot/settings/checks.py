"""What a single setting must be; each check returns the value or says in the operator's words what is wrong.

A text about a secret may tell its length, never the secret.
"""

import ipaddress
import re
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr, ValidationInfo

from wxbot.blank import is_blank

_MAKE_A_SECRET = "make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
_MAKE_A_TOKEN = "make one with: python3 -c 'import secrets; print(secrets.token_hex(16))'"
_DATABASES = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
}
_PLACEHOLDERS = ("...", "xxxx", "changeme", "change-me", "change_me", "placeholder", "your-", "your_")


def _looks_made_up(value: str) -> bool:
    return len(set(value)) < 6 or any(word in value.lower() for word in _PLACEHOLDERS)


def secret_key(value: SecretStr) -> SecretStr:
    """Refuse a key that is missing, short or made up."""
    text = value.get_secret_value()
    if not text:
        raise ValueError(f"is missing; {_MAKE_A_SECRET}")
    if len(text) < 32:
        raise ValueError(f"needs at least 32 characters, this one has {len(text)}; {_MAKE_A_SECRET}")
    if _looks_made_up(text):
        raise ValueError(f"looks like a placeholder; {_MAKE_A_SECRET}")
    return value


def callback_token(value: SecretStr) -> SecretStr:
    """Refuse a callback token that could be guessed; whoever knows it can forge scans."""
    text = value.get_secret_value()
    if not text:
        raise ValueError(f"is missing: the Token on the server configuration page; {_MAKE_A_TOKEN}")
    if not re.fullmatch(r"[A-Za-z0-9]{16,32}", text):
        raise ValueError(
            f"must be 16 to 32 letters or digits (shorter ones can be guessed), this one has {len(text)} "
            f"characters; {_MAKE_A_TOKEN} and enter it on the server configuration page as well"
        )
    if _looks_made_up(text):
        raise ValueError(f"looks like a placeholder; {_MAKE_A_TOKEN}")
    return value


def aes_key(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Refuse an AES key that WeChat would not show; only the plain mode does without one."""
    text = value.get_secret_value()
    if not text and info.data.get("mode") == "plain":
        return value
    if not text:
        raise ValueError(
            'is missing: the EncodingAESKey on the server configuration page (not needed with mode = "plain")'
        )
    return former_aes_key(value)


def former_aes_key(value: SecretStr) -> SecretStr:
    """Refuse an AES key that WeChat would not show."""
    text = value.get_secret_value()
    if not re.fullmatch(r"[A-Za-z0-9]{43}", text):
        where = "EncodingAESKey on the server configuration page"
        raise ValueError(f"must be 43 letters or digits ({where}), this one has {len(text)} characters")
    return value


def end_of_fallbacks(value: str, info: ValidationInfo) -> str:
    """Refuse earlier tokens and keys that would count for ever, and what is no time."""
    if not value:
        if info.data.get("token_fallbacks") or info.data.get("aes_key_fallbacks"):
            raise ValueError("is missing: earlier tokens and keys must not count for ever")
        return value
    try:
        end = datetime.fromisoformat(value)
    except ValueError:
        end = None
    if end is None or end.tzinfo is None:
        raise ValueError("must be a time with its zone, as in 2030-01-31T18:00+08:00")
    return value


def appid(value: str) -> str:
    """Refuse what is no AppID."""
    where = "AppID on the page of basic settings"
    if not value:
        raise ValueError(f"is missing: the {where}")
    if not re.fullmatch(r"wx[0-9a-f]{16}", value):
        raise ValueError(f"must be wx and 16 digits or letters a to f ({where})")
    return value


def app_secret(value: SecretStr) -> SecretStr:
    """Refuse what cannot be an AppSecret; an empty one is allowed."""
    if not re.fullmatch(r"[!-~]*", value.get_secret_value()):
        raise ValueError("must not contain spaces or characters outside ASCII (AppSecret)")
    return value


def account_name(value: str) -> str:
    """Refuse a name that would not fit into the callback's URL."""
    if not re.fullmatch(r"[a-z0-9_-]{1,32}", value):
        raise ValueError(
            "the name of an account must be 1 to 32 of a-z 0-9 _ - (it is part of the callback's URL)"
        )
    return value


def visible_text(value: str) -> str:
    """Refuse a text in which the reader would see nothing, or that WeChat would not deliver."""
    if is_blank(value):
        raise ValueError(
            "must contain text that can be seen; an empty reply looks like a failure to the reader"
        )
    size = len(value.encode(errors="replace"))
    if size > 2048:
        raise ValueError(
            f"must not be longer than 2048 bytes (about 680 Chinese characters), this one has {size}"
        )
    return value


def visible_or_empty(value: str) -> str:
    """Refuse a text that `visible_text` refuses; empty is fine."""
    return visible_text(value) if value else value


def database_url(value: SecretStr) -> SecretStr:
    """Refuse what is neither an SQLite file nor a database on a server; the driver is ours to choose."""
    text = value.get_secret_value()
    scheme, _, rest = text.partition("://")
    if scheme in _DATABASES:
        _refuse_nameless(text)
        return SecretStr(f"{_DATABASES[scheme]}://{rest}")
    if scheme != "sqlite":
        raise ValueError("must begin with sqlite:///, postgresql:// or mysql://")
    if not rest.startswith("/") or rest[1:] in {"", ":memory:"} or "mode=memory" in rest:
        raise ValueError("must name a file, as in sqlite:///var/wxbot.db (what is only in memory is lost)")
    return value


def redis_url(value: SecretStr) -> SecretStr:
    """Refuse what is no Redis server; empty means none."""
    text = value.get_secret_value()
    if text and _split(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// (TLS) or unix://")
    return value


def jobs_backend(value: Any, info: ValidationInfo) -> Any:
    """Refuse the backend Redis without a Redis."""
    redis = info.data.get("redis")
    if value.backend == "redis" and redis is not None and not redis.url.get_secret_value():
        raise ValueError('backend "redis" needs [redis] url')
    return value


def path(value: str) -> str:
    """Refuse what names no place."""
    if not value.strip() or "\0" in value:
        raise ValueError("must be a path, as in var/spool")
    return value


def _split(url: str) -> SplitResult:
    """Take an address apart; what Python says of one that it cannot read may show the password in it."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise ValueError(
            "is not a URL; type full-width characters half-width, and in a password percent-encode them "
            "and / ? # [ ] (# is %23)"
        ) from None
    return parts


def _refuse_nameless(url: str) -> None:
    if not _split(url).path.strip("/"):
        raise ValueError("must name the database, as in postgresql://user:password@host/wxbot")


def _url(value: str) -> SplitResult:
    parts = _split(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[^!-~]", value):
        raise ValueError("must be a URL that begins with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a URL without a user, a query or a fragment")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def wechat_base(value: str) -> str:
    """Refuse an address of WeChat's that would carry secrets in clear through a network."""
    parts = _url(value)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError(
            "must begin with https:// (http:// would show the AppSecret; it is for this machine only)"
        )
    return value.rstrip("/")


def public_url(value: str) -> str:
    """Refuse what is no address; empty means that it is not known."""
    return value and _url(value).geturl().rstrip("/")


def listed(value: object) -> object:
    """Let a variable of the environment give a list: separated by commas or line breaks."""
    return (
        [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]
        if isinstance(value, str)
        else value
    )


def ports(value: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse what is no port, and to have none at all."""
    if not value or not all(1 <= each <= 65535 for each in value):
        raise ValueError("must name at least one port, from 1 to 65535")
    return value


def not_a_switch(value: object) -> object:
    """Refuse true and false where a number is meant; Python would take them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def timezone(value: str) -> str:
    """Return the name of a time zone that this machine knows."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not the name of a time zone, as in Asia/Shanghai") from None
    return value
