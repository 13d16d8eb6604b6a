"""Tables to take away: CSV as a stream, which a spreadsheet opens without running anything in it."""

from collections.abc import Iterable, Sequence

from flask import Response

from wxbot.admin.periods import Asked
from wxbot.spreadsheet import MEDIA_TYPE, Cell, as_csv


def download(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]], asked: Asked) -> Response:
    """Return a table as a file that is named after it and its period; rows are made while it is sent."""
    period = asked.period
    response = Response(as_csv(headings, rows), content_type=MEDIA_TYPE)
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{name}-{period.first:%Y%m%d}-{period.last:%Y%m%d}.csv"'
    )
    return response
