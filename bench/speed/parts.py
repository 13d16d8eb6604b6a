"""The parts of a benchmark: what each measures, in its short and its full form, and where the figures go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import growth as growing
from bench import slow_disk
from bench import steps as stepping
from bench.speed import plot, publish, report
from bench.speed.candidates import CANDIDATES, NAIVE, TEXTBOOK, WXBOT, Candidate
from bench.speed.extras import ROOT, MissingError
from bench.speed.ground import Ground, runs_folder
from bench.speed.machine import Watch, told
from bench.speed.rounds import CONNECTIONS, Plan, Run, run
from bench.speed.verdicts import SLOW_TARGETS, TARGETS, Verdict, verdicts

_DELAYS = (1.0, 5.0)
_LANGUAGES = ("en", "zh")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the command line asks for; None or nothing: as the form has it."""

    is_full: bool = False
    publishes: bool = False
    only: Sequence[str] = ()
    connections: Sequence[int] = ()
    rounds: int | None = None
    seconds: float | None = None
    largest: bool = False

    def plan(self, connections: Sequence[int]) -> Plan:
        """Return how long is measured, and with how many connections unless the command line says so."""
        rounds, seconds = (7, 1.5) if self.is_full else (5, 0.5)
        return Plan(
            connections=self.connections or connections,
            rounds=self.rounds or rounds,
            seconds=self.seconds or seconds,
        )

    def candidates(self) -> list[Candidate]:
        """Return who takes part."""
        if self.only:
            return [each for name in self.only for each in CANDIDATES if each.name == name]
        return [each for each in CANDIDATES if self.is_full or each.is_short]


def answers(chosen: Chosen) -> None:
    """Measure how fast scans are answered, and print, keep and publish it."""
    plan = chosen.plan((1, 16, 64, 256) if chosen.is_full else (CONNECTIONS,))
    with Ground() as ground:
        watch = Watch(ground.folder)
        found = run(chosen.candidates(), ground, plan, _say)
    about = _about(watch, plan)
    for connections in plan.connections:
        print(f"\n{connections} connections\n")
        print(report.terminal(report.HEADS["en"], report.lines(found, connections)))
    for note in _notes(found):
        print(f"- {note}")
    _print_verdicts(found, verdicts(found, TARGETS))
    print(f"\n{told(about)}\nkept in {_name(report.keep('answers', report.as_data(found, about, TARGETS)))}")
    if chosen.publishes:
        _publish_answers(found, plan, about)


def disk(chosen: Chosen) -> None:
    """Measure the same on a disk whose fsync takes 1 ms and 5 ms longer, for what writes to one."""
    wanted = [each for each in chosen.candidates() if chosen.only or _is_about_disks(each, chosen)]
    plan = chosen.plan((CONNECTIONS,))
    texts: dict[str, list[str]] = {language: [] for language in _LANGUAGES}
    for milliseconds in _DELAYS:
        print(f"\nfsync + {milliseconds:g} ms")
        try:
            with Ground() as ground:
                ground.environment.update(slow_disk.environment(ground.folder, milliseconds))
                watch = Watch(ground.folder)
                found = run(wanted, ground, plan, _say)
        except MissingError as reason:
            print(f"left out: {reason}")
            return
        about = _about(watch, plan) | {"fsync_milliseconds_more": milliseconds}
        lines = report.lines(found, CONNECTIONS)
        print("\n" + report.terminal(report.HEADS["en"], lines))
        targets = SLOW_TARGETS if milliseconds == max(_DELAYS) else ()
        report.keep(f"disk-{milliseconds:g}ms", report.as_data(found, about, targets))
        judged = verdicts(found, targets)
        _print_verdicts(found, judged, is_whole=False)
        print(f"\n{told(about)}")
        for language, parts in texts.items():
            parts.append(f"fsync + {milliseconds:g} ms\n\n{report.markdown(report.HEADS[language], lines)}")
            if judged:
                parts.append(_verdict_table(found, judged, language, is_whole=False))
            parts.append(told(about))
    if chosen.publishes:
        for language, parts in texts.items():
            publish.insert(language, {"disk": "\n\n".join(parts)})


def growth(chosen: Chosen) -> None:
    """Measure dispatch against registered scenes, and a scan against recorded events."""
    watch = Watch(runs_folder())
    rounds = chosen.rounds or (9 if chosen.is_full else 5)
    found = growing.measure(rounds=rounds, is_full=chosen.is_full, largest=chosen.largest, say=_say)
    about = watch.about()
    for table in found:
        print(f"\n{table.title['en']}\n\n{report.terminal(table.heads['en'], table.rows)}")
    print(f"\n{told(about)}")
    tables = [{"title": each.title["en"], "heads": each.heads["en"], "rows": each.rows} for each in found]
    report.keep("growth", {"about": about, "tables": tables})
    if chosen.publishes:
        for language in _LANGUAGES:
            texts = [
                f"{each.title[language]}\n\n{report.markdown(each.heads[language], each.rows)}"
                for each in found
            ]
            publish.insert(language, {"growth": "\n\n".join([*texts, told(about)])})


def steps(chosen: Chosen) -> None:
    """Measure what one delivery costs in this process, by kind of delivery and by step."""
    watch = Watch(runs_folder())
    table = stepping.measure(rounds=chosen.rounds or (15 if chosen.is_full else 7))
    about = watch.about()
    print(f"\n{report.terminal(table.heads['en'], table.rows)}\n\n{told(about)}")
    report.keep("steps", {"about": about, "heads": table.heads["en"], "rows": table.rows})
    if chosen.publishes:
        for language in _LANGUAGES:
            text = f"{report.markdown(table.heads[language], table.rows)}\n\n{told(about)}"
            publish.insert(language, {"steps": text})


def _is_about_disks(candidate: Candidate, chosen: Chosen) -> bool:
    if candidate.program in (TEXTBOOK, WXBOT, NAIVE):
        return candidate.mode == "plain" and (chosen.is_full or candidate.store in ("", "sqlite"))
    return chosen.is_full and bool(candidate.table) and candidate.mode == "plain"


def _publish_answers(found: Run, plan: Plan, about: Mapping[str, object]) -> None:
    publish.PICTURE.parent.mkdir(exist_ok=True)
    publish.PICTURE.write_text(plot.svg(found, CONNECTIONS), encoding="utf-8")
    for language in _LANGUAGES:
        heads = {"en": "{} connections", "zh": "{} 个连接"}[language]
        tables = [
            f"{heads.format(each)}\n\n{report.markdown(report.HEADS[language], report.lines(found, each))}"
            for each in plan.connections
        ]
        left_out = "\n".join(f"- {each}" for each in _notes(found))
        picture = {"en": "![requests a second]({})", "zh": "![每秒应答次数]({})"}[language]
        parts = [picture.format(f"images/{publish.PICTURE.name}"), *tables, left_out, told(about)]
        texts = {"answers": "\n\n".join(filter(None, parts))}
        texts["targets"] = _verdict_table(found, verdicts(found, TARGETS), language)
        publish.insert(language, texts)


def _verdict_table(found: Run, told: Sequence[Verdict], language: str, *, is_whole: bool = True) -> str:
    lines = report.verdict_lines(told, found if is_whole else Run([], {}), language)
    return report.markdown(report.verdict_heads(language), lines)


def _print_verdicts(found: Run, told: Sequence[Verdict], *, is_whole: bool = True) -> None:
    lines = report.verdict_lines(told, found if is_whole else Run([], {}))
    if lines:
        print("\n" + report.terminal(report.verdict_heads(), lines))


def _about(watch: Watch, plan: Plan) -> dict[str, object]:
    """Return what a run's figures depend on."""
    return watch.about() | {"rounds": plan.rounds, "seconds": plan.seconds}


def _notes(found: Run) -> list[str]:
    left_out = [f"{name}: left out, {reason.splitlines()[0]}" for name, reason in found.left_out.items()]
    return report.same_server(found) + left_out + found.notes


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _say(text: str) -> None:
    print(text, flush=True)
