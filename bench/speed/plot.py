"""A picture of one run: a bar for each candidate, as many requests a second as it answered."""

import statistics
from collections.abc import Sequence
from html import escape

from bench.speed import candidates as known
from bench.speed.report import against_book
from bench.speed.rounds import Result, Run

_WIDTH = 900
_LEFT = 250
_RIGHT = 150
_BAR = 16
_STEP = 25
_TOP = 34
# Readable on white and on a dark page.
_OURS, _OTHERS, _NOTHING = "#2a9d5c", "#c2712d", "#8a94a0"
_LEGENDS = (  # each as far to the right as the one before is long
    (_LEFT, _OURS, "wxbot: every scan on disk, once"),
    (_LEFT + 260, _OTHERS, "keeps a row or a session"),
    (_LEFT + 460, _NOTHING, "keeps nothing"),
)


def svg(run: Run, connections: int) -> str:
    """Return the picture; a thin line is the least and most of the rounds, the ratio that of the tables."""
    results = [each for each in run.results if each.connections == connections]
    results.sort(key=lambda each: -each.median(lambda one: one.rate))
    most = max(one.rate for each in results for one in each.rounds)
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    bars = [
        _bar(each, against_book(each, run), _TOP + number * _STEP, scale)
        for number, each in enumerate(results)
    ]
    height = _TOP + len(results) * _STEP + 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#7d8590" role="img">'
        f"<title>requests a second, {connections} connections</title>"
    )
    return "\n".join([head, *_legend(), *bars, "</svg>", ""])


def _legend() -> Sequence[str]:
    parts = []
    for x, colour, text in _LEGENDS:
        parts.append(f'<rect x="{x}" y="8" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="18">{escape(text)}</text>')
    return parts


def _bar(result: Result, ratios: Sequence[float], y: int, scale: float) -> str:
    rates = [each.rate for each in result.rounds]
    rate = result.median(lambda each: each.rate)
    ratio = f" · {statistics.median(ratios):.2f} ×" if ratios else ""
    middle = y + _BAR / 2
    end = _LEFT + max(rates) * scale
    look = f'width="{rate * scale:.1f}" height="{_BAR}" rx="2" fill="{_colour(result)}"'
    return (
        f'<text x="{_LEFT - 8}" y="{middle + 4.5}" text-anchor="end">{escape(result.candidate.name)}</text>'
        f'<rect x="{_LEFT}" y="{y}" {look}/>'
        f'<path d="M{_LEFT + min(rates) * scale:.1f} {middle}H{end:.1f}" stroke="#7d8590"/>'
        f'<text x="{end + 8:.1f}" y="{middle + 4.5}">{rate:,.0f}/s{ratio}</text>'
    )


def _colour(result: Result) -> str:
    candidate = result.candidate
    if candidate.program.startswith(known.WXBOT):
        return _OURS
    return _OTHERS if candidate.table or candidate.program == known.WEROBOT else _NOTHING
