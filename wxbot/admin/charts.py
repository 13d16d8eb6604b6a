"""Charts drawn on the server: SVG that scales, texts in HTML beside it, and a table that says the same.

Colours come from the stylesheet by class, so that they follow light and dark and need no inline style. Lines
and bars are drawn in a box of 1000 x 100 units that is stretched to its place; texts would be stretched with
it, and are therefore outside.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from wxbot.admin.scales import Scale, short, spread
from wxbot.admin.visit import Words

WIDTH, HEIGHT = 1000, 100
TONES = ("a", "b", "c", "d")
_MOST_LABELS = 6
_MOST_HOVERS = 130
_HEATS = 8

Number = float | int | None
Form = Callable[[float], str]


@dataclass(frozen=True)
class Series:
    """One line of a chart, or one colour of its bars. None as a value: not known."""

    name: str
    values: Sequence[Number]


def line_chart(
    title: str, labels: Sequence[str], series: Sequence[Series], *, t: Words, form: Form = short
) -> Markup:
    """Return lines over time: at most four series, each as long as the labels; `form` writes a value."""
    assert len(series) <= len(TONES) and all(len(each.values) == len(labels) for each in series)
    known = [value for each in series for value in each.values if value is not None]
    if not known:
        return Markup(
            '<figure class="chart"><figcaption>{}</figcaption><p class="none">{}</p></figure>'
        ).format(title, t["no_data"])
    scale = Scale.of(known)
    return Markup(
        '<figure class="chart"><figcaption>{}{}</figcaption><div class="plot">'
        '<div class="y" aria-hidden="true">'
        '{}</div><svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}{}</svg>'
        '<div class="x" aria-hidden="true">{}</div></div>{}</figure>'
    ).format(
        title,
        _legend(series),
        _spans(form(tick) for tick in reversed(scale.ticks)),
        WIDTH,
        HEIGHT,
        _summary(title, series, t=t, form=form),
        _grid(scale),
        _lines(series, scale),
        _hovers(labels, series, form),
        _spans(spread(labels, _MOST_LABELS)),
        _table(labels, series, t=t, form=form),
    )


def sparkline(values: Sequence[Number], title: str) -> Markup:
    """Return a small line without axes, for a table or beside a number; `title` says what it shows."""
    known = [each for each in values if each is not None]
    scale = Scale.of(known)
    points = _path(values, scale)
    return Markup(
        '<svg class="spark" viewBox="-4 -4 1008 108" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="area a" d="{}"/><path class="line a" d="{}"/></svg>'
    ).format(title, _area(values, scale), points)


def share_bar(share: float, title: str, *, tone: str = "a") -> Markup:
    """Return a bar that is filled to `share` of 1, for a table or a meter."""
    percent = f"{max(0.0, min(1.0, share)) * 100:.1f}"
    return Markup(
        '<svg class="share" role="img" aria-label="{}"><rect class="rail" width="100%" height="100%" rx="3"/>'
        '<rect class="fill {}" width="{}%" height="100%" rx="3"/></svg>'
    ).format(title, tone, percent)


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[Number]],
    *,
    form: Form = short,
) -> Markup:
    """Return a table whose cells are coloured by value, as of hours x weekdays; `values` row by row."""
    largest = max((each for row in values for each in row if each is not None), default=0)
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(column) for column in columns)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            name, Markup("").join(_cell(value, largest, f"{name} {column}", form) for column, value in pairs)
        )
        for name, pairs in (
            (name, list(zip(columns, row, strict=True))) for name, row in zip(rows, values, strict=True)
        )
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="heat">'
        "<caption>{}</caption><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(title, title, head, body)


def _cell(value: Number, largest: float, where: str, form: Form) -> Markup:
    if value is None:
        return Markup('<td class="unknown"></td>')
    heat = 0 if not value or largest <= 0 else 1 + round((_HEATS - 1) * value / largest)
    told = form(value)
    return Markup('<td class="h{}" title="{}: {}"><span>{}</span></td>').format(heat, where, told, told)


def _lines(series: Sequence[Series], scale: Scale) -> Markup:
    drawn = [
        Markup('<path class="line {}" d="{}"/>').format(tone, _path(each.values, scale))
        for tone, each in zip(TONES, series, strict=False)
    ]
    area = (
        Markup('<path class="area a" d="{}"/>').format(_area(series[0].values, scale))
        if len(series) == 1
        else Markup("")
    )
    return area + Markup("").join(drawn)


def _path(values: Sequence[Number], scale: Scale) -> str:
    """Return the line through the values, with a gap where one is not known."""
    parts, is_on = [], False
    for x, value in _places(values):
        if value is not None:
            parts.append(f"{'L' if is_on else 'M'}{_n(x)} {_n(scale.place(value) * HEIGHT)}")
            if len(values) == 1:
                parts.append(f"H{WIDTH}")
        is_on = value is not None
    return "".join(parts)


def _area(values: Sequence[Number], scale: Scale) -> str:
    """Return the surface below the line; nothing where the line has gaps."""
    if not values or any(value is None for value in values):
        return ""
    zero = _n(scale.place(0) * HEIGHT)
    return f"{_path(values, scale)}V{zero}H0Z"


def _places(values: Sequence[Number]) -> list[tuple[float, Number]]:
    step = WIDTH / max(len(values) - 1, 1)
    return [(index * step, value) for index, value in enumerate(values)]


def _grid(scale: Scale) -> Markup:
    return Markup("").join(
        Markup('<path class="{}" d="M0 {}H{}"/>').format(
            "zero" if tick == 0 else "grid", _n(scale.place(tick) * HEIGHT), WIDTH
        )
        for tick in scale.ticks
    )


def _hovers(labels: Sequence[str], series: Sequence[Series], form: Form) -> Markup:
    """Return a strip for each label that says its values to whoever points at it."""
    if not 0 < len(labels) <= _MOST_HOVERS:
        return Markup("")
    slot = WIDTH / len(labels)
    return Markup("").join(
        Markup('<rect class="hover" x="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            _n(index * slot), _n(slot), HEIGHT, "\n".join([label, *_told(series, index, form)])
        )
        for index, label in enumerate(labels)
    )


def _told(series: Sequence[Series], index: int, form: Form) -> list[str]:
    return [f"{each.name}: {_form(each.values[index], form)}" for each in series]


def _legend(series: Sequence[Series]) -> Markup:
    if len(series) == 1:
        return Markup("")
    return Markup('<span class="legend">{}</span>').format(
        Markup("").join(
            Markup('<span class="key {}">{}</span>').format(tone, each.name)
            for tone, each in zip(TONES, series, strict=False)
        )
    )


def _summary(title: str, series: Sequence[Series], *, t: Words, form: Form) -> str:
    """Return the chart in a sentence for each series."""
    sentences = []
    for each in series:
        known = [value for value in each.values if value is not None]
        if known:
            told = (form(min(known)), form(max(known)), form(known[-1]))
            sentences.append(t["summary"].format(each.name, *told))
    return f"{title}. {'; '.join(sentences)}"


def _table(labels: Sequence[str], series: Sequence[Series], *, t: Words, form: Form) -> Markup:
    head = Markup("").join(Markup('<th scope="col" class="n">{}</th>').format(each.name) for each in series)
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            label,
            Markup("").join(
                Markup('<td class="n">{}</td>').format(_form(each.values[index], form)) for each in series
            ),
        )
        for index, label in enumerate(labels)
    )
    return Markup(
        '<details class="data"><summary>{}</summary><div class="scroll" tabindex="0"><table><thead><tr>'
        '<th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table></div></details>'
    ).format(t["as_table"], t["when"], head, rows)


def _form(value: Number, form: Form) -> str:
    return "–" if value is None else form(value)


def _spans(texts: Iterable[str]) -> Markup:
    return Markup("").join(Markup("<span>{}</span>").format(text) for text in texts)


def _n(number: float) -> str:
    """Return a coordinate, as short as it can be."""
    return f"{number:.1f}".removesuffix(".0")
