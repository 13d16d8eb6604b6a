"""What docs/webhooks.md tells the site to do is right: its code takes what we send, and nothing else."""

import hmac
import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.webhooks.conftest import Post
from tests.webhooks.receiver import Receiver, Request
from wxbot.webhooks.delivering import DELAYS_SECONDS, MOST_ATTEMPTS
from wxbot.webhooks.webhook import KINDS

# Who reads the requests does not know which database they came from.
pytestmark = pytest.mark.sqlite_only

DOCS = Path(__file__).parents[2] / "docs"


# Reads [[secret, headers, body in base64], …] and writes the list of what the shown function says to each.
NODE = """
const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const said = cases.map(([secret, headers, body]) => isGenuine(secret, headers, Buffer.from(body, "base64")));
console.log(JSON.stringify(said));
"""
PHP = """
$said = [];
foreach (json_decode(stream_get_contents(STDIN), true) as [$secret, $headers, $body]) {
    $server = [];
    foreach ($headers as $name => $value) {
        $server['HTTP_' . strtoupper(strtr($name, '-', '_'))] = $value;
    }
    $said[] = is_genuine($secret, $server, base64_decode($body));
}
echo json_encode($said);
"""

Case = tuple[str, Request]


def shown(page: str, language: str) -> str:
    """Return the code that the page shows for a language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    [block] = re.findall(pattern, (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


def said_by_python(page: str, cases: Sequence[Case]) -> list[bool]:
    """Ask the function that the page shows for Python."""
    names: dict[str, Any] = {}
    exec(compile(shown(page, "python"), page, "exec"), names)
    return [names["is_genuine"](secret, sent.headers, sent.body) for secret, sent in cases]


def said_by_node(page: str, cases: Sequence[Case]) -> list[bool]:
    """Ask the function that the page shows for Node."""
    return said_by(["node", "-e", shown(page, "javascript") + NODE], cases, package="nodejs")


def said_by_php(page: str, cases: Sequence[Case]) -> list[bool]:
    """Ask the function that the page shows for PHP, without the lines that answer a request."""
    function, request, _ = shown(page, "php").partition("\nif (!is_genuine(")
    assert request
    return said_by(["php", "-r", function + PHP], cases, package="php-cli")


def said_by(command: list[str], cases: Sequence[Case], *, package: str) -> list[bool]:
    """Run a program that says of each case whether it is genuine."""
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}: install the package {package}")
    asked = [[secret, sent.headers, b64encode(sent.body).decode()] for secret, sent in cases]
    answer = subprocess.run(
        command, check=False, input=json.dumps(asked), capture_output=True, text=True, timeout=60
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    said: list[bool] = json.loads(answer.stdout)
    return said


@pytest.mark.parametrize("ask", [said_by_python, said_by_node, said_by_php])
@pytest.mark.parametrize("page", ["webhooks.md", "webhooks.zh-CN.md"])
def test_code_of_the_docs_tells_genuine_from_forged(
    post: Post, site: Receiver, page: str, ask: Callable[[str, Sequence[Case]], list[bool]]
) -> None:
    old = post.add(site.url)
    new = post.hooks.webhooks.rotate(old.webhook.id)
    assert new is not None
    post.publish(number="漢字")
    post.work()
    [request] = site.requests

    def changed(**headers: str) -> Request:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(request, headers={**request.headers, **named})

    at = int(request.headers["webhook-timestamp"])
    forged = [
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
    ]

    assert ask(page, [(old.secret, request), (new.secret, request)]) == [True, True]
    assert ask(page, [(new.secret, each) for each in forged]) == [False] * len(forged)
    assert ask(page, [(post.add(site.url).secret, request)]) == [False]
    # Where the site has not been given its secret, nobody may sign with none.
    signed = f"{request.headers['webhook-id']}.{at}.".encode() + request.body
    signature = b64encode(hmac.digest(b"", signed, "sha256")).decode()
    assert ask(page, [("", changed(webhook_signature=f"v1,{signature}"))]) == [False]


@pytest.mark.parametrize("page", ["webhooks.md", "webhooks.zh-CN.md"])
def test_docs_name_every_kind_and_every_pause(page: str) -> None:
    text = (DOCS / page).read_text()

    assert [kind for kind in (*KINDS, "test") if f"`{kind}`" not in text] == []
    [row] = re.findall(r"^\| (?:after the one before|距上一次) \| (.*) \|$", text, re.MULTILINE)
    units = {"s": 1, "min": 60, "h": 3600, "秒": 1, "分钟": 60, "小时": 3600}
    pauses = [cell.split() for cell in row.split(" | ")[1:]]
    assert tuple(int(number) * units[unit] for number, unit in pauses) == DELAYS_SECONDS
    assert f"| {MOST_ATTEMPTS} |" in text
