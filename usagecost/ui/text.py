"""What comes out of logs is text on a page, never markup."""

from __future__ import annotations

import re

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])")
REPLACED = re.compile(
    r"(?<=http)(?=s?://)|(?<=www)(?=\.)|(?=@)|(?<=:)(?=material[/_]|streamlit:)|(?<=[<>~=-])(?=[<>=-])", re.IGNORECASE
)
"""Where the page's Markdown would make a link, an icon or an arrow of what is text by then, escaped or not."""

LINE_BREAKS = str.maketrans("\r\n\t", "   ")

SEAM = ":small{}"
"""Nothing, seen or copied, between two texts: what stands on both sides of it is not read as one."""


def plain(text: str) -> str:
    """The text as Markdown that shows exactly it: no emphasis, link, formula, colour, emoji, icon or arrow of its own."""
    parts = REPLACED.split(text.translate(LINE_BREAKS))
    return SEAM.join(MARKUP.sub(r"\\\1", part) for part in parts)
