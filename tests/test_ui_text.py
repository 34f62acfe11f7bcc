"""What the page shows of a log is text: the Markdown of it. That a browser shows it so is a test of the browser's."""

from __future__ import annotations

from datetime import datetime

import pytest

from usagecost.periods.words import stretch_text
from usagecost.ui.text import plain


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("gpt-4o", r"gpt\-4o"),
        ("see http://a.example/x", r"see http:small{}\://a\.example/x"),
        ("HTTPS://a.example", r"HTTP:small{}S\://a\.example"),
        ("www.a.example", r"www:small{}\.a\.example"),
        ("ann@a.example", r"ann:small{}@a\.example"),
        (":material/delete:", r"\::small{}material/delete\:"),
        ("a <-> b", r"a \<:small{}\-:small{}\> b"),
        ("one\r\ntwo\tthree", "one  two three"),
    ],
)
def test_what_the_page_would_replace_is_taken_apart(text: str, markdown: str):
    assert plain(text) == markdown


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-11-16T23:00Z", "2026-11-17T23:00Z", "17 Nov 2026"),
        ("2026-11-16T23:00Z", "2026-11-19T23:00Z", "17–19 Nov 2026"),
        ("2026-11-17T13:00Z", "2026-11-17T14:00Z", "17 Nov 2026, 14:00 – 15:00"),
        ("2026-11-17T21:00Z", "2026-11-18T01:00Z", "17 Nov 22:00 – 18 Nov 2026 02:00"),
        ("2026-11-17T22:00Z", "2026-11-17T23:00Z", "17 Nov 2026, 23:00 – 00:00"),
    ],
)
def test_a_stretch_of_time_is_said_in_local_days_or_hours(start: str, end: str, words: str):
    assert stretch_text(datetime.fromisoformat(start), datetime.fromisoformat(end), "Europe/Berlin") == words
