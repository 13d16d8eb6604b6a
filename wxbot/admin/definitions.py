"""What the figures mean, in one page: every figure's name leads here."""

from wxbot.admin.area import Area, Page
from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.figure_words import FIGURES, WORDS
from wxbot.admin.visit import Visit
from wxbot.analytics.shapes import Period


def views(parts: FigureParts) -> Area:
    """Return `/admin/definitions`."""
    area = Area("definitions", words=WORDS)

    @area.get("/definitions")
    def definitions(visit: Visit) -> Page:
        made_by = parts.figures.overview(visit.account, Period.days(1, parts.figures.today()))
        return Page("admin/definitions.html", title=visit.t.definitions, figures=FIGURES, made_by=made_by)

    return area
