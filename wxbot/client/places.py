"""Channels and webhooks: what is set up once rather than with each customer."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

from pydantic import BaseModel

from wxbot.api.models.channels import ChangedChannel, ShownChannel, ShownChannelCode, WantedChannel
from wxbot.api.models.webhooks import NewWebhook, ShownWebhook, WebhookKind
from wxbot.client.resources import Resource, read_as


class Channels(Resource[ShownChannel]):
    """Places with codes, their replies, tags and figures."""

    path = "/channels"
    model = ShownChannel

    def make(self, wanted: WantedChannel, *, once: str | None = None) -> ShownChannel:
        """Make a channel. Raises ConflictError for a name or a scene that is taken."""
        body = {"account": self._account, **_given(wanted)}
        return read_as(ShownChannel, self._calls.call("POST", self.path, body=body, once=once))

    def find(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> ShownChannel:
        """Return a channel with its figures, of some time if it is given. Raises NotFoundError."""
        times = {at: each and each.isoformat() for at, each in (("since", since), ("until", until))}
        return self._get(name, account=self._account, **times)

    def all(
        self, *, group: str | None = None, promoter: str | None = None, is_archived: bool = False
    ) -> Iterator[ShownChannel]:
        """Yield the channels by name."""
        return self._all(group=group, promoter=promoter, is_archived=is_archived)

    def change(self, name: str, changes: ChangedChannel) -> ShownChannel:
        """Change what `changes` names; None in it takes something away."""
        return self._act("PATCH", name, "", body=_given(changes))

    def archive(self, name: str) -> ShownChannel:
        """Let a channel answer and tag no more."""
        return self._act("POST", name, "/archive")

    def restore(self, name: str) -> ShownChannel:
        """Bring an archived channel back."""
        return self._act("POST", name, "/restore")

    def code(self, name: str, *, is_permanent: bool = False) -> ShownChannelCode:
        """Return the code of a channel, minted if need be."""
        path, query = f"{self.path}/{quote(name, safe='')}/code", {"account": self._account}
        found = self._calls.call("POST", path, query=query, body={"is_permanent": is_permanent})
        return read_as(ShownChannelCode, found)

    def _act(self, method: str, name: str, act: str, *, body: object = None) -> ShownChannel:
        path, query = f"{self.path}/{quote(name, safe='')}{act}", {"account": self._account}
        return read_as(ShownChannel, self._calls.call(method, path, query=query, body=body))


class Webhooks(Resource[ShownWebhook]):
    """Where the site is told what happens."""

    path = "/webhooks"
    model = ShownWebhook

    def make(
        self,
        url: str,
        *,
        kinds: Sequence[WebhookKind | str] | None = None,
        description: str = "",
        once: str | None = None,
    ) -> NewWebhook:
        """Make a webhook; its `secret` is in this answer and nowhere else."""
        body: dict[str, object] = {"url": url, "account": self._account, "description": description}
        if kinds is not None:
            body["kinds"] = [WebhookKind(each).value for each in kinds]
        return read_as(NewWebhook, self._calls.call("POST", self.path, body=body, once=once))

    def all(self) -> list[ShownWebhook]:
        """Return the webhooks, the oldest first."""
        return [read_as(ShownWebhook, item) for item in self._calls.call("GET", self.path)["items"]]

    def test(self, id: str) -> str:
        """Send a test; return the id of its delivery."""
        return str(self._calls.call("POST", f"{self.path}/{quote(id, safe='')}/test")["delivery"])

    def remove(self, id: str) -> None:
        """Remove a webhook. Raises NotFoundError."""
        self._calls.call("DELETE", f"{self.path}/{quote(id, safe='')}")


def _given(model: BaseModel) -> dict[str, object]:
    return model.model_dump(mode="json", exclude_unset=True)
