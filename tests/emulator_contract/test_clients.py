"""Clients that nobody here wrote create all four kinds of code and fetch the pictures.

Both have WeChat's addresses written into them; what is replaced is the address and nothing else.
"""

import base64
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests import npm

CO_WECHAT_API = "co-wechat-api@3.11.0"
KINDS = {
    "QR_SCENE": {"scene_id": 4294967295},
    "QR_STR_SCENE": {"scene_str": "wechatpy:1"},
    "QR_LIMIT_SCENE": {"scene_id": 100000},
    "QR_LIMIT_STR_SCENE": {"scene_str": "wechatpy:forever"},
}


@pytest.fixture(scope="session")
def co_wechat_api(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which node finds co-wechat-api, installed from npm's registry."""
    folder = tmp_path_factory.mktemp("npm")
    script = "co_wechat_api.js"
    shutil.copy(Path(__file__).with_name(script), folder)
    npm.install(CO_WECHAT_API, folder)
    return folder / script


def text_of(picture: bytes) -> str:
    """Return what a scanner reads in a picture."""
    with Image.open(io.BytesIO(picture)) as opened:
        (found,) = zxingcpp.read_barcodes(opened)
    return str(found.text)


@pytest.mark.parametrize("kind", KINDS)
def test_wechatpy_creates_a_code_and_fetches_its_picture(wechatpy_client: WeChatClient, kind: str) -> None:
    lifetime = {} if "LIMIT" in kind else {"expire_seconds": 604800}

    code = wechatpy_client.qrcode.create(
        {**lifetime, "action_name": kind, "action_info": {"scene": KINDS[kind]}}
    )
    # Its `show` makes a request without the client's session, so that only the address is its own.
    response = wechatpy_client._http.get(wechatpy_client.qrcode.get_url(code), timeout=10)

    assert text_of(response.content) == code["url"]
    assert code.get("expire_seconds") == lifetime.get("expire_seconds")


def test_wechatpy_understands_a_refusal(wechatpy_client: WeChatClient) -> None:
    too_large = {"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100001}}}

    with pytest.raises(WeChatClientException) as caught:
        wechatpy_client.qrcode.create(too_large)

    assert caught.value.errcode == 40053


def test_co_wechat_api_creates_all_four_kinds_and_fetches_the_pictures(api: Any, co_wechat_api: Path) -> None:
    node = shutil.which("node") or "node"

    done = subprocess.run(
        [node, str(co_wechat_api), api.api_base, api.mp_base, api.appid],
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*", "WECHAT_SECRET": api.secret},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout)
    assert set(codes) == set(KINDS)
    assert {kind: code.get("expire_seconds") for kind, code in codes.items()} == {
        "QR_SCENE": 604800,
        "QR_STR_SCENE": 604800,
        "QR_LIMIT_SCENE": None,
        "QR_LIMIT_STR_SCENE": None,
    }
    for code in codes.values():
        assert text_of(base64.b64decode(code["picture"])) == code["url"]
