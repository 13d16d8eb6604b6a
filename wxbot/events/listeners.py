"""Who else wants to know of events, after they are settled: observers of plugins, and parts of wxbot."""

from collections.abc import Sequence
from typing import Protocol

from wxbot.db.session import UnitOfWork
from wxbot.followers import Follower
from wxbot.wechat.events import Event, Scan


class Listener(Protocol):
    """A part of wxbot that is told of events by a job: at least once, and after the answer has left.

    An event that one wants is told to all of them: what a worker knows may be some seconds older than what
    was known when the event was answered, so that `hear` has to look for itself.
    """

    def wants(self, event: Event) -> bool:
        """Say whether to be told. Asked on the answer path: no more than a look at what is at hand."""
        ...

    def hear(self, event: Event, follower: Follower | None, unit: UnitOfWork) -> None:
        """Take note of an event; what is written through the unit is committed with the end of the job."""
        ...


class Audience:
    """All who listen. `observed` names the accounts whose scans plugins observe."""

    def __init__(self, observed: frozenset[str] = frozenset(), listeners: Sequence[Listener] = ()) -> None:
        self.listeners = listeners
        self._observed = observed

    def wants(self, event: Event) -> bool:
        """Say whether anybody wants to be told of an event."""
        if isinstance(event, Scan) and event.account in self._observed:
            return True
        return any(listener.wants(event) for listener in self.listeners)

    def tell(self, event: Event, follower: Follower | None, unit: UnitOfWork) -> None:
        """Tell the parts of wxbot; plugins' observers are called by the dispatcher."""
        for listener in self.listeners:
            listener.hear(event, follower, unit)
