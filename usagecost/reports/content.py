"""What a report says: its parts in their order, as texts and drawings, before they are HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usagecost.charts import Drawing
from usagecost.vocabulary.cards import Card

WHY = "Why spend changed"
"""The title of the section with that sentence."""


@dataclass(frozen=True)
class Cards:
    """Metrics with their changes, a row or more."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Picture:
    """A chart, and what it shows in words."""

    drawing: Drawing
    alt_text: str


@dataclass(frozen=True)
class Table:
    """Rows of texts below their headings; the first column names them, and the last row is their total."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Bar:
    """How much of something is used: as shares of it, now and by the forecast. ``name`` with its scope, and what is said below."""

    name: str
    scope: str
    said: Sequence[str]
    used: float
    ahead: float


Part = Cards | str | Picture | Table | Bar
"""A text is a sentence or two."""


@dataclass(frozen=True)
class Section:
    """Parts under a heading, "" where they have none; ``notes`` stand below them."""

    title: str
    parts: Sequence[Part]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """A report: its title, what it is of in a few ``lines``, its sections, where the page shows the same, and its file's name; and
    an ``id`` by which a repeated one is told, if it was due.
    """

    title: str
    lines: Sequence[str]
    sections: Sequence[Section]
    link: str | None
    file_name: str
    id: str = ""

    @property
    def footer(self) -> str:
        """What stands at its end."""
        basis = "Usage & Cost · Spend is what logs report, else the list price."
        return f"{basis} Report {self.id}" if self.id else basis


def summary_of(report: Report) -> str:
    """Returns a report in a few lines of text: what it is of, its first cards, why spend changed, where the page is, its id."""
    cards = [card for section in report.sections[:2] for part in section.parts if isinstance(part, Cards) for card in part.cards]
    sentences = [part for section in report.sections if section.title == WHY for part in section.parts if isinstance(part, str)]
    lines = [f"{card.metric.label}: {card.value}{f' ({card.change})' if card.change else ''}" for card in cards]
    parts = [report.lines, lines, sentences, [report.link] if report.link else [], [report.footer]]
    return "\n\n".join("\n".join(part) for part in parts if part)
