"""What stands in the URL: every value comes back from it, nonsense is the default, and a default is left out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from usagecost.ui.address import Choice

DAYS = st.dates(date(2015, 1, 1), date(2030, 1, 1))
VALUES = {
    "text": (Choice(default="a"), st.text(min_size=1)),
    "option": (Choice(default="7d", options={"7d": "Last 7 days", "30d": "Last 30 days"}), st.sampled_from(["7d", "30d"])),
    "texts": (Choice("texts"), st.lists(st.text(min_size=1), unique=True)),
    "default texts": (Choice("texts", default=("x", "y")), st.lists(st.text(min_size=1), min_size=1, unique=True)),
    "flag": (Choice("flag", default=False), st.booleans()),
    "number": (Choice("number"), st.none() | st.integers(0, 100_000).map(float)),
    "days": (Choice("days"), st.none() | st.tuples(DAYS, DAYS).map(lambda days: (min(days), max(days)))),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_a_value_comes_back_from_the_url(kind: str, data: st.DataObject):
    choice, values = VALUES[kind]
    value = data.draw(values)

    assert choice.read(choice.texts(value)) == value


@pytest.mark.parametrize("choice", [choice for choice, _ in VALUES.values()], ids=VALUES)
@given(said=st.lists(st.text(), max_size=3))
def test_nonsense_means_something_that_can_be_shown(choice: Choice, said: list[str]):
    value = choice.read(said)

    assert choice.read(choice.texts(value)) == value
    assert choice.texts(choice.default) == []


@pytest.mark.parametrize(
    ("choice", "said", "value"),
    [
        (VALUES["option"][0], ["Last 30 days"], "30d"),  # a link of a former version says what it is called
        (VALUES["option"][0], ["Next century"], "7d"),
        (Choice("days"), ["2026-05-02", "2026-05-01"], (date(2026, 5, 1), date(2026, 5, 2))),
        (Choice("days"), ["2026-05-02"], (date(2026, 5, 2), date(2026, 5, 2))),
        (Choice("days"), ["yesterday"], None),
        (Choice("texts", options=("a", "b")), ["b", "c"], ["b"]),
        (Choice("number"), ["many"], None),
        (Choice("flag", default=False), ["perhaps"], False),
    ],
)
def test_what_a_link_says(choice: Choice, said: list[str], value: Any):
    assert choice.read(said) == value


def page() -> None:
    """A page of two choices, one of which is drawn only now and then."""
    import streamlit as st

    from usagecost.ui import address
    from usagecost.ui.address import Choice

    address.begin("A page", {"range": Choice(default="30d")}, {"tab": Choice(default="Totals")})
    if not st.session_state.get("hides"):
        st.text_input("Range", key="range")
    st.text(
        f"{st.session_state['range']} {st.session_state['tab']} {address.page_query('A page', {'range': Choice(default='30d')})}"
    )


def test_the_url_and_the_widgets_say_the_same_and_what_is_not_drawn_is_kept():
    app = AppTest.from_function(page)
    app.query_params["tab"] = "Cost"
    app.run()
    assert app.text[0].value == "30d Cost {'tab': ['Cost']}"

    app.text_input[0].set_value("7d").run()
    assert app.text[0].value == "7d Cost {'range': ['7d'], 'tab': ['Cost']}"
    assert {name: "".join(said) for name, said in app.query_params.items()} == {"tab": "Cost", "range": "7d"}

    app.session_state["hides"] = True
    app.run()
    app.run()
    assert app.text[0].value.startswith("7d Cost")

    app.query_params["range"] = "90d"  # as when the reader goes back
    app.run()
    assert app.text[0].value.startswith("90d Cost")


def test_a_url_that_was_just_replaced_does_not_undo_a_choice():
    app = AppTest.from_function(page).run()
    app.text_input[0].set_value("7d").run()
    app.query_params.clear()  # as a busy browser tells it with the next click
    app.run()

    assert app.text[0].value.startswith("7d")
