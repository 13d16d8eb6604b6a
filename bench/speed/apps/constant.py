"""The least Flask can be asked for."""

from flask import Flask

app = Flask(__name__)


@app.post("/wechat")
def wechat() -> str:
    """Answer the same to everything."""
    return "success"
