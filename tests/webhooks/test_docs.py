"""What docs/webhooks.md tells the site to do is right: its code takes what we send, and nothing else."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.webhooks.conftest import Post
from tests.webhooks.receiver import Receiver, Request
from wxbot.webhooks.delivering import DELAYS_SECONDS, MOST_ATTEMPTS
from wxbot.webhooks.webhook import KINDS

DOCS = Path(__file__).parents[2] / "docs"


def verifier(page: str) -> Callable[..., bool]:
    """Return the function that the page shows for Python."""
    [block] = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, page, "exec"), names)
    found: Callable[..., bool] = names["is_genuine"]
    return found


@pytest.mark.parametrize("page", ["webhooks.md", "webhooks.zh-CN.md"])
def test_code_of_the_docs_tells_genuine_from_forged(post: Post, site: Receiver, page: str) -> None:
    is_genuine = verifier(page)
    old = post.add(site.url)
    new = post.hooks.webhooks.rotate(old.webhook.id)
    assert new is not None
    post.publish(number="漢字")
    post.work()
    [request] = site.requests

    def taken(secret: str, sent: Request) -> bool:
        return is_genuine(secret, sent.headers, sent.body)

    def changed(**headers: str) -> Request:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(request, headers={**request.headers, **named})

    assert taken(old.secret, request) and taken(new.secret, request)
    at = int(request.headers["webhook-timestamp"])
    for forged in (
        replace(request, body=request.body + b" "),
        replace(request, headers={}),
        changed(webhook_id="msg_other"),
        changed(webhook_timestamp=str(at + 1)),
        changed(webhook_timestamp=str(at - 301)),
        changed(webhook_timestamp=str(at + 301)),
        changed(webhook_timestamp="now"),
        changed(webhook_signature=""),
        changed(webhook_signature="v1,é v1a,x y"),
        changed(webhook_signature=request.headers["webhook-signature"].replace("v1,", "v2,")),
    ):
        assert not taken(new.secret, forged)
    assert not taken(post.add(site.url).secret, request)


@pytest.mark.parametrize("page", ["webhooks.md", "webhooks.zh-CN.md"])
def test_docs_name_every_kind_and_every_pause(page: str) -> None:
    text = (DOCS / page).read_text()

    assert [kind for kind in (*KINDS, "test") if f"`{kind}`" not in text] == []
    [row] = re.findall(r"^\| (?:after the one before|距上一次) \| (.*) \|$", text, re.MULTILINE)
    units = {"s": 1, "min": 60, "h": 3600, "秒": 1, "分钟": 60, "小时": 3600}
    pauses = [cell.split() for cell in row.split(" | ")[1:]]
    assert tuple(int(number) * units[unit] for number, unit in pauses) == DELAYS_SECONDS
    assert f"| {MOST_ATTEMPTS} |" in text
