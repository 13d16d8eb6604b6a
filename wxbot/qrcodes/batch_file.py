"""The CSV of a batch: read as a whole, with every bad line named, before anything is minted."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wxbot.errors import WxbotError
from wxbot.qrcodes.kinds import LARGEST_NUMBER, SceneRefusedError, kind_of, looks_like_number
from wxbot.spreadsheet import NotUtf8Error, text_of

COLUMNS = ("scene", "type", "permanent", "caption")
LONGEST_CAPTION = 255
SHOWN_FAULTS = 20
_SWITCH = {"": False, "no": False, "0": False, "否": False, "yes": True, "1": True, "是": True}
_TYPES = {"": None, "text": False, "number": True}


class BatchFileError(WxbotError):
    """A file that cannot be worked off as it is; `faults` are all of them, each with its line's number."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        more = len(faults) - SHOWN_FAULTS
        shown = [*faults[:SHOWN_FAULTS], *([f"and {more} more"] if more > 0 else [])]
        super().__init__(f"nothing was minted: {'; '.join(shown)}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One code that is wanted. An empty scene means the next free permanent number."""

    line: int
    scene: str
    is_integer: bool
    is_permanent: bool
    caption: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a file asks for. The same codes for the same account have the same `id`, whatever the captions.

    Where numbers are taken, only the same file asks for the same codes: its name and its folder are in the
    `id` too. `former_id` is without them, as the releases before had it.
    """

    id: bytes
    former_id: bytes
    account: str
    expires_in: int
    file_name: str
    lines: tuple[Line, ...]

    @property
    def takes_numbers(self) -> bool:
        """Say whether permanent numbers are taken for some of the lines."""
        return any(not line.scene for line in self.lines)

    @property
    def holder(self) -> str:
        """The name under which this batch's calls are written down."""
        return f"batch {self.id.hex()}"


def read_plan(path: Path, *, account: str, expires_in: int) -> Plan:
    """Return what a CSV asks for; `expires_in` is the lifetime of its temporary codes in seconds.

    Columns: `scene`; `type` (number or text; digits are a number unless it says text); `permanent` (yes
    or no); `caption`. Raises BatchFileError with every fault.
    """
    try:
        text = text_of(path)
    except NotUtf8Error as error:
        raise BatchFileError([str(error)]) from None
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="(more)", strict=True)
    faults = _faults_of_columns(rows.fieldnames)
    if faults:
        raise BatchFileError(faults)
    lines: list[Line] = []
    seen: dict[str, int] = {}
    try:
        for row in rows:
            _read_row(row, rows.line_num, lines, faults, seen, expires_in)
    except csv.Error as error:
        faults.append(f"line {rows.line_num}: {error}")
    if not lines and not faults:
        faults.append("the file has no lines")
    if faults:
        raise BatchFileError(faults)
    # Not the file's bytes, which a spreadsheet changes when it saves.
    lifetime = 0 if all(line.is_permanent for line in lines) else expires_in
    wanted = [(line.line, line.scene, line.is_integer, line.is_permanent) for line in lines]
    file = () if all(line.scene for line in lines) else (str(path.parent.resolve()), path.name)
    return Plan(
        id=_digest(account, lifetime, wanted, *file),
        former_id=_digest(account, lifetime, wanted),
        account=account,
        expires_in=expires_in,
        file_name=path.name[:255],
        lines=tuple(lines),
    )


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()[:16]


def _faults_of_columns(names: Sequence[str] | None) -> list[str]:
    if not names or "scene" not in names:
        return [f"line 1: there is no column `scene`; the columns are {', '.join(COLUMNS)}"]
    unknown = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"line 1: the column {name!r} is unknown; there are {', '.join(COLUMNS)}" for name in unknown] + [
        f"line 1: the column {name!r} is there twice" for name in twice
    ]


def _read_row(
    row: dict[str, str | None],
    number: int,
    lines: list[Line],
    faults: list[str],
    seen: dict[str, int],
    expires_in: int,
) -> None:
    try:
        line = _line(row, number, expires_in)
    except SceneRefusedError as error:
        faults.append(f"line {number}: {error}")
        return
    if line.scene and line.scene in seen:
        faults.append(f"line {number}: the scene {line.scene!r} is on line {seen[line.scene]} already")
        return
    seen[line.scene] = number
    lines.append(line)


def _line(row: dict[str, str | None], number: int, expires_in: int) -> Line:
    if "(more)" in row:
        raise SceneRefusedError("there are more values than columns; put quotation marks around commas")
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name, known in (("type", _TYPES), ("permanent", _SWITCH)):
        if values[name].lower() not in known:
            raise SceneRefusedError(
                f"{name} is {values[name]!r}; use {', '.join(filter(None, known))} or nothing"
            )
    scene, is_permanent = values["scene"], _SWITCH[values["permanent"].lower()]
    is_integer = _TYPES[values["type"].lower()]
    if len(values["caption"]) > LONGEST_CAPTION:
        raise SceneRefusedError(f"the caption has more than {LONGEST_CAPTION} characters")
    if not scene and is_permanent and is_integer:
        return Line(line=number, scene="", is_integer=True, is_permanent=True, caption=values["caption"])
    if is_integer is None:
        is_integer = looks_like_number(scene)
    elif is_integer and not looks_like_number(scene):
        raise SceneRefusedError(f"{scene!r} is not a number between 1 and {LARGEST_NUMBER}")
    kind = kind_of(
        int(scene) if is_integer else scene, account="", expires_in=None if is_permanent else expires_in
    )
    return Line(
        line=number,
        scene=kind.scene,
        is_integer=kind.is_integer,
        is_permanent=is_permanent,
        caption=values["caption"],
    )
