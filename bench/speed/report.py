"""What a run has found: as a table for the terminal, as JSON, and as Markdown in two languages."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

from bench.speed import candidates as known
from bench.speed.extras import ROOT
from bench.speed.rounds import CONNECTIONS, Result, Run
from bench.speed.verdicts import MEGABYTES, START_SECONDS, Target, Verdict, below, verdicts

ARTEFACTS = ROOT / "var" / "artefacts"
HEADS = {
    "en": ("", "requests/s", "× textbook", "× bare", "p50 ms", "p99", "p99.9", "CPU µs", "MB", "start s"),
    "zh": (
        "",
        "次/秒",
        "× 教科书写法",
        "× 裸 WSGI",
        "p50 毫秒",
        "p99",
        "p99.9",
        "CPU 微秒",
        "内存 MB",
        "启动 秒",
    ),
}
_VERDICT_HEADS = {
    "en": ("", "measured", "least to most", "floor", "aim", ""),
    "zh": ("", "实测", "各轮范围", "底线", "目标", ""),
}
_WORDS = {
    "en": {
        "aim": "aim reached",
        "floor": "floor holds",
        "undecided": "undecided",
        "below": "**below the floor**",
        "missing": "not measured",
    },
    "zh": {
        "aim": "达到目标",
        "floor": "守住底线",
        "undecided": "难下结论",
        "below": "**低于底线**",
        "missing": "没有测到",
    },
}


def lines(run: Run, connections: int) -> list[list[str]]:
    """Return one line for each candidate at so many connections, the quickest last."""
    found = [each for each in run.results if each.connections == connections]
    return [_line(each, run) for each in sorted(found, key=lambda each: each.median(lambda one: one.rate))]


def _line(result: Result, run: Run) -> list[str]:
    cpu = f"{result.median(lambda each: each.cpu) * 1e6:,.0f}"
    database = result.median(lambda each: each.database_cpu) * 1e6
    return [
        result.candidate.name,
        f"{result.median(lambda each: each.rate):,.0f}",
        _ratio(against_book(result, run)),
        _ratio(_against(result, run.find(known.BARE, result.connections))),
        f"{result.median(lambda each: each.latency(0.5)) * 1000:.1f}",
        f"{result.median(lambda each: each.latency(0.99)) * 1000:.1f}",
        f"{result.slowest(0.999) * 1000:.1f}",
        f"{cpu} + {database:,.0f}" if database else cpu,
        f"{result.megabytes:.0f}",
        f"{result.start_seconds:.2f}",
    ]


def against_book(result: Result, run: Run) -> list[float]:
    """Return how often as many requests as the textbook in the same mode it answered, round by round."""
    name = known.TEXTBOOK + (", safe" if result.candidate.mode == "safe" else "")
    return _against(result, run.find(name, result.connections))


def same_server(run: Run) -> list[str]:
    """Return how wxbot stands to the textbook under the same gunicorn.conf.py, a line for each mode."""
    lines = []
    for mode in ("", ", safe"):
        mine = run.find(known.SHIPPED + mode, CONNECTIONS)
        base = run.find(known.TEXTBOOK_TUNED + mode, CONNECTIONS)
        if mine is not None and base is not None:
            lines.append(f"{mine.candidate.name} × {base.candidate.name}: {_ratio(mine.ratios(base))}")
    return lines


def _against(result: Result, base: Result | None) -> list[float]:
    return [] if base is None else result.ratios(base)


def _ratio(ratios: Sequence[float]) -> str:
    if not ratios:
        return ""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def verdict_lines(found: Iterable[Verdict], run: Run, language: str = "en") -> list[list[str]]:
    """Return one line for each figure with a floor."""
    words = _WORDS[language]
    told = [
        [
            f"{each.target.name} × {each.target.base}",
            *(_measured(each.ratios) if each.ratios else ("", "")),
            f"{each.target.floor:g}",
            f"{each.target.aim:g}",
            words[each.word],
        ]
        for each in found
    ]
    return told + _start_and_memory(run, language)


def _measured(ratios: Sequence[float]) -> tuple[str, str]:
    # What is to be large is rounded down, and what is to be small up: 0.797 is not "0.80, below 0.8".
    least, most = _rounded(min(ratios), ROUND_FLOOR), _rounded(max(ratios), ROUND_CEILING)
    return _rounded(statistics.median(ratios), ROUND_FLOOR), f"{least}–{most}"


def _rounded(figure: float, direction: str) -> str:
    return str(Decimal(repr(figure)).quantize(Decimal("0.01"), direction))


def _start_and_memory(run: Run, language: str) -> list[list[str]]:
    shipped, preloaded = (run.find(name, CONNECTIONS) for name in (known.SHIPPED, known.PRELOADED))
    if shipped is None or preloaded is None:
        return []
    names = {
        "en": ("first answer after start, s", "memory of a worker with --preload, MB"),
        "zh": ("启动到首次应答，秒", "用 --preload 时每个进程的内存，MB"),
    }
    values = ((shipped.start_seconds, START_SECONDS), (preloaded.megabytes, MEGABYTES))
    return [
        [
            name,
            _rounded(value, ROUND_CEILING),
            "",
            f"< {limits[0]:g}",
            f"< {limits[1]:g}",
            _WORDS[language][below(value, limits)],
        ]
        for name, (value, limits) in zip(names[language], values, strict=True)
    ]


def verdict_heads(language: str = "en") -> Sequence[str]:
    """Return the heads of the table of figures with a floor."""
    return _VERDICT_HEADS[language]


def terminal(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with columns of their own width, the first to the left."""
    plain = [[cell.replace("*", "") for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in plain) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in plain
    )


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    rule = ["---", *["--:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *rows))


def as_data(run: Run, about: Mapping[str, object], targets: Sequence[Target]) -> dict[str, object]:
    """Return everything but the single latencies."""
    return {
        "about": dict(about),
        "left_out": run.left_out,
        "notes": run.notes,
        "verdicts": [
            [each.target.name, each.target.base, each.ratio if each.ratios else None, each.word]
            for each in verdicts(run, targets)
        ],
        "results": [
            {
                "name": each.candidate.name,
                "connections": each.connections,
                "start_seconds": each.start_seconds,
                "megabytes": each.megabytes,
                "p999_seconds": each.slowest(0.999),
                "rounds": [
                    {
                        "rate": one.rate,
                        "cpu_seconds": one.cpu,
                        "database_cpu_seconds": one.database_cpu,
                        "load_cpu_seconds": one.own_cpu,
                        "p50_seconds": one.latency(0.5),
                        "p99_seconds": one.latency(0.99),
                    }
                    for one in each.rounds
                ],
            }
            for each in run.results
        ],
    }


def keep(name: str, data: object) -> Path:
    """Write figures among the artefacts; return the file."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    file = ARTEFACTS / f"bench-{name}.json"
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    return file
