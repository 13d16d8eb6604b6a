"""Calls over HTTP: repeated where that is safe, each within its time, and without a trace of the key."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.auth import AuthBase

from wxbot.client.errors import ClientError, NotFoundError, ProblemError, UnreachableError, of_problem

TRIES = 3
# Who is told to wait for longer decides for themselves.
LONGEST_PAUSE_SECONDS = 5
_PAUSE_SECONDS = 0.5
# What a header can carry: the error of the library that sends it would quote the key.
_SENDABLE = re.compile("[!-~]+")
_ADDRESS = re.compile("https?://", re.IGNORECASE)


class _Key(AuthBase):
    """The key as requests sends it: as `auth`, or a .netrc would replace the header."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Calls:
    """Carries calls to one bot. Any number of threads may share it."""

    def __init__(self, url: str, key: str, *, timeout: float) -> None:
        if not _ADDRESS.match(url):
            raise ValueError("the address of the bot begins with https://, or with http://")
        # Files and variables that keys are read from end with a line end.
        key = key.strip()
        if not _SENDABLE.fullmatch(key):
            raise ValueError("this is no API key: one is a single word that begins with wxb_")
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = _Key(key)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        once: str | None = None,
    ) -> Any:
        """Return the answer's JSON. Raises ProblemError, UnreachableError, or ValueError for what is no JSON.

        A call that got no answer, or was told to try again in a moment, is repeated: a POST carries an
        Idempotency-Key (`once`, or one of its own), so that it is carried out once however often it is sent.
        What a repeated DELETE does not find any more was deleted by the one whose answer was lost.
        """
        was_lost = False
        data = None if body is None else json.dumps(body, allow_nan=False)
        headers = {} if data is None else {"Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = once or secrets.token_hex(16)
        for left in reversed(range(TRIES)):
            try:
                return self._once(method, path, query=query, data=data, headers=headers)
            except ClientError as error:
                if method == "DELETE" and was_lost and _is_gone(error):
                    return {}
                was_lost = was_lost or isinstance(error, UnreachableError)
                pause = _pause(error)
                if left == 0 or pause is None:
                    raise
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def lines(self, path: str, *, seconds: float) -> Iterator[Iterator[str]]:
        """Open a stream and give its lines; each is waited for so long."""
        with self._answered("GET", path, headers={}, stream=True, timeout=(self._timeout, seconds)) as answer:
            yield (line.decode("utf-8") for line in self._lines(answer))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def _once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None,
        data: str | None,
        headers: Mapping[str, str],
    ) -> Any:
        given = {name: _written(value) for name, value in (query or {}).items() if value is not None}
        with self._answered(
            method, path, headers=headers, params=given, data=data, timeout=self._timeout
        ) as answer:
            return self._json(answer)

    @contextmanager
    def _answered(self, method: str, path: str, **how: Any) -> Iterator[requests.Response]:
        """Send a request and give its answer, which is one of the API's and no problem."""
        answer = None
        with suppress(requests.RequestException, OSError):
            # A redirect would take the key to wherever it leads.
            answer = self._session.request(method, f"{self.url}/api/v1{path}", allow_redirects=False, **how)
        if answer is None:  # outside of `except`: the library's error has the whole request in it
            raise UnreachableError("the bot gave no answer")
        with answer:
            if not 200 <= answer.status_code < 300:
                raise self._problem(answer)
            yield answer

    def _problem(self, answer: requests.Response) -> ClientError:
        if answer.headers.get("Content-Type", "").partition(";")[0] != "application/problem+json":
            return UnreachableError(
                f"what answered ({answer.status_code}) is not wxbot's API; check the address"
            )
        told = self._json(answer)
        after = answer.headers.get("Retry-After", "")
        code = str(told.get("code", ""))
        return of_problem(answer.status_code, code)(
            answer.status_code,
            code,
            str(told.get("detail", "")),
            retry_after=int(after) if after.isdecimal() else None,
            fields={str(each["field"]): str(each["message"]) for each in told.get("errors", ())},
        )

    def _json(self, answer: requests.Response) -> Any:
        if answer.status_code == 204:
            return {}
        found = None
        with suppress(requests.RequestException, ValueError):
            found = answer.json()
        if not isinstance(found, dict):
            raise UnreachableError("the answer broke off, or is not JSON")
        return found

    def _lines(self, answer: requests.Response) -> Iterator[bytes]:
        try:
            yield from answer.iter_lines()
        except (requests.RequestException, OSError):
            return  # as if it had ended: who still waits asks again


def _is_gone(error: ClientError) -> bool:
    return isinstance(error, NotFoundError) and error.code == "not_found"


def _pause(error: ClientError) -> float | None:
    """Return how long to wait before the same call may succeed; None when it is not worth it."""
    if isinstance(error, UnreachableError):
        return _PAUSE_SECONDS
    if not isinstance(error, ProblemError) or error.retry_after is None:
        return None
    return error.retry_after if error.retry_after <= LONGEST_PAUSE_SECONDS else None


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
