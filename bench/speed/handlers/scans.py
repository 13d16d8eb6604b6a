"""One handler as in the tutorial."""

from wxbot import Plugin, Scan

bench = Plugin("bench")


@bench.scene("bench")
def scanned(scan: Scan) -> str:
    """Answer a scan."""
    return "收到"
