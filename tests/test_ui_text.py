"""What the page shows of a log is text: the Markdown of it. That a browser shows it so is a test of the browser's."""

from __future__ import annotations

import pytest

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
