"""The areas of figures, channels and people, as one list."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from wxbot.admin import boards, channel, channels, codes, definitions, followers, promoters
from wxbot.admin.area import Area
from wxbot.admin.figure_parts import FigureParts


def figure_areas(parts: FigureParts, engine: Engine, *, spool: Path) -> Sequence[Area]:
    """Return the areas; a new one is one line here."""
    return [
        boards.views(parts),
        channels.views(parts),
        channel.views(parts),
        codes.views(parts),
        promoters.views(parts),
        followers.views(engine, spool=spool),
        definitions.views(parts),
    ]
