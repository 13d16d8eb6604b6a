"""One bot as its site sees it."""

from types import TracebackType

from wxbot.client.calls import Calls
from wxbot.client.places import Channels, Webhooks
from wxbot.client.resources import BindingsOfSite, ClaimsOfSite, Codes, Events, Followers, Logins, Messages
from wxbot.client.stats import Stats


class Client:
    """The HTTP API of a bot.

    `url` begins with https:// or http://; `key` is what `wxbot api-key create` printed; `account` is needed
    if the bot has several and it is not `default`. Each try of a call takes `timeout` seconds at most. Any
    number of threads may share a client. Raises ValueError for what can be no address, or no key.
    """

    def __init__(self, url: str, key: str, *, account: str | None = None, timeout: float = 10.0) -> None:
        self._calls = Calls(url, key, timeout=timeout)
        self.codes = Codes(self._calls, account)
        self.claims = ClaimsOfSite(self._calls, account)
        self.bindings = BindingsOfSite(self._calls, account)
        self.logins = Logins(self._calls, account)
        self.followers = Followers(self._calls, account)
        self.channels = Channels(self._calls, account)
        self.webhooks = Webhooks(self._calls, account)
        self.events = Events(self._calls, account)
        self.messages = Messages(self._calls, account)
        self.stats = Stats(self._calls, account)

    def __repr__(self) -> str:
        """Say which bot, and not with which key."""
        return f"Client({self._calls.url!r})"

    def __enter__(self) -> "Client":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._calls.close()
