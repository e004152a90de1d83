"""The HTML report: one file that needs no network, for paper, phones and dark rooms too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.report.contrasts import Contrast
from nmt.report.heat_maps import HeatMap
from nmt.report.tables import Table

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Chart:
    """svg: see ``charts.svg``. caption: stands below it."""

    svg: str
    caption: str


@dataclass(frozen=True)
class ContrastGroup:
    """Contrasts below a heading, such as that of a bucket."""

    title: str
    contrasts: Sequence[Contrast]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page, in the order of the fields. id: what links name."""

    id: str
    title: str
    text: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    heat_maps: Sequence[HeatMap] = ()
    contrasts: Sequence[ContrastGroup] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the report says. answer: sentences that say it all. made: how it was made."""

    title: str
    question: str
    answer: Sequence[str]
    sections: Sequence[Section]
    made: Sequence[str] = field(default=())

    def html(self) -> str:
        """The file's content. What is not ours, such as words and labels, is escaped."""
        from markupsafe import Markup

        sections = [
            vars(section)
            | {"charts": [vars(one) | {"svg": Markup(one.svg)} for one in section.charts]}
            for section in self.sections
        ]
        shown: Mapping[str, object] = vars(self) | {"sections": sections}
        return _template().render(shown)


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
