"""WeRoBot as its documentation begins: with sessions, kept in SQLite. Runs in its own environment."""

import os

import werobot

robot = werobot.WeRoBot(
    token=os.environ["BENCH_TOKEN"],
    app_id=os.environ["BENCH_APPID"],
    encoding_aes_key=os.environ["BENCH_AES_KEY"],
)


@robot.scan
def scan(message):  # type: ignore[no-untyped-def]
    """Answer a scan."""
    return "收到" if message.key == "bench" else "?"


app = robot.wsgi
