"""What the time is at WeChat."""

import time
from email.utils import parsedate_to_datetime

_TIMEOUTS_SECONDS = (2.0, 4.0)
# Half of the second that the header leaves out.
_HALF_SECONDS = 0.5


class NoTimeError(Exception):
    """WeChat does not tell the time; the text is the kind of the reason."""


def seconds_ahead(base: str) -> float:
    """Return by how many seconds this machine's clock is ahead of the server's at `base`; asks it.

    Raises NoTimeError.
    """
    # The dashboard has this module and hardly ever asks; requests would come with every web process.
    import requests  # noqa: PLC0415

    try:
        with requests.Session() as session:
            session.trust_env = False
            before = time.time()
            answer = session.get(base, timeout=_TIMEOUTS_SECONDS, allow_redirects=False, stream=True)
            now = (before + time.time()) / 2
            answer.close()
        return now - parsedate_to_datetime(answer.headers["Date"]).timestamp() - _HALF_SECONDS
    except (requests.RequestException, KeyError, ValueError) as error:
        raise NoTimeError(type(error).__name__) from None
