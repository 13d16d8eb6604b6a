"""Flask and wechatpy as their documentation puts them together. Nothing is recorded."""

import os
from collections.abc import Callable
from typing import Any

from flask import Flask, abort, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

TOKEN = os.environ["BENCH_TOKEN"]
AES_KEY = os.environ["BENCH_AES_KEY"]
APPID = os.environ["BENCH_APPID"]
REPLY = "收到"


def create_app(record: Callable[[Any], None] = lambda message: None) -> Flask:
    """Return the app; `record` is called with every message before it is answered."""
    app = Flask(__name__)

    @app.post("/wechat")
    def wechat() -> str:
        arguments = request.args
        signature, timestamp, nonce = (
            arguments.get(name, "") for name in ("signature", "timestamp", "nonce")
        )
        try:
            check_signature(TOKEN, signature, timestamp, nonce)
        except InvalidSignatureException:
            abort(403)
        if arguments.get("encrypt_type") != "aes":
            return answer(request.data)
        crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
        try:
            opened = crypto.decrypt_message(request.data, arguments["msg_signature"], timestamp, nonce)
        except (InvalidSignatureException, InvalidAppIdException):
            abort(403)
        return str(crypto.encrypt_message(answer(opened), nonce, timestamp))

    def answer(document: bytes | str) -> str:
        message = parse_message(document)
        record(message)
        known = message.type == "event" and message.event == "scan" and message.scene_id == "bench"
        return str(create_reply(REPLY if known else "?", message).render())

    return app


app = create_app()
