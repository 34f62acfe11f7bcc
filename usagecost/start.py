"""What a page shows before its numbers: a skeleton of it, drawn at once, even before the modules behind the page are loaded."""

from __future__ import annotations

import os
import sys

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

LOOK = """<style>
[data-testid="stElementToolbar"], [data-testid="stWidgetLabelRequired"] { display: none }
@media (max-width: 640px) { #vg-tooltip-element { left: 8px !important } .st-key-filters { justify-content: start !important } }
#vg-tooltip-element table tr td { max-width: min(380px, 45vw) !important; white-space: normal !important; overflow-wrap: anywhere }
.spark { display: flex; position: relative; height: 44px; color: #5B8DEF }
.spark i { flex: 1; display: flex; align-items: end; min-width: 0 }
.spark i[style]::before { content: ""; width: 100%; height: var(--h); min-height: 1.5px; border-top: 1.5px solid;
    background: color-mix(in srgb, currentColor 16%, transparent) }
.spark i:hover { background-color: color-mix(in srgb, currentColor 25%, transparent) }
.spark i:hover::after { content: attr(data-tip); position: absolute; bottom: calc(100% + 4px); left: 0; z-index: 9;
    padding: 2px 6px; border-radius: 4px; background: #1C2430; color: #FFFFFF; font: 500 12px/1.4 sans-serif; max-width: 100% }
[class*="st-key-pinned_other"] a, [class*="st-key-pinned_other"] a * { background-color: transparent; font-weight: 400 }
button[kind="primary"]:not(:disabled), span[data-tag][data-tag-index] { color: light-dark(#FFFFFF, #12161D) }
[class*="st-key-drop_"] { min-height: 115px }
[class*="st-key-drop_"] section { align-items: center; min-height: 90px;
    border: 2px dashed color-mix(in srgb, currentColor 35%, transparent) }
</style>"""
"""What no setting of Streamlit says: its toolbar on charts and tables, which covers our downloads and names columns that are not
for people, is off, as is the word that a date range is required; on a phone lines that break begin on the left; tooltips tell
names whole, in several lines where need be; of the boards in the menu only the one that is shown is marked, though all are
links to the page that is shown; places to drop files are seen as such; what stands on the primary colour can be read in dark,
too; and sparklines are drawn. It comes after what it is about: what has another size by it jumps.
"""
SIDEBAR_WIDTH = 250
CARD_COLUMNS, CARD_WIDTH, CARD_GAP = 6, 169, "xsmall"
"""One row on a desk, also before the look above is there, so that nothing jumps; three cards in a row on a small screen, two on a
phone; each shows its whole value.
"""
CARD_HEIGHT, BADGE_HEIGHT, TABS_HEIGHT, CHART_HEIGHT, LINK_HEIGHT, LINKS = 154, 23, 35, 330, 28, 6
"""As high as what comes in their places, in pixels, so that nothing jumps."""
_SLOTS, _NUMBERS = "_first_frame", "_skeleton_of_numbers"

Slots = tuple[DeltaGenerator, DeltaGenerator]
"""Where the skeleton is: in the main part and in the sidebar."""


def first_frame(title: str, *, has_cards: bool = True) -> None:
    """Draws the skeleton of a page where the modules behind it are still to be loaded, which takes a second or more.

    The first call of every page, before its imports. A page without it shows nothing for that time.
    """
    os.umask(0o077)  # what the app writes, logs' contents, is for its owner only
    st.session_state.pop(_SLOTS, None)  # of a run that another one has ended
    if hasattr(sys.modules.get("usagecost.ui"), "page"):
        return
    configure(title)
    main, sidebar = st.session_state[_SLOTS] = st.empty(), st.sidebar.empty()
    with sidebar.container(gap="xsmall"):
        for _ in range(LINKS):
            st.skeleton(height=LINK_HEIGHT)
    draw_frame(main, title, has_cards=has_cards)


def configure(title: str) -> None:
    """The page's name, width and look."""
    st.set_page_config(page_title=f"{title} · Usage & Cost", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    st.html(LOOK)


def slots() -> Slots:
    """The places of the skeleton in this run, which are empty where it was not drawn before."""
    if _SLOTS not in st.session_state:
        st.session_state[_SLOTS] = st.empty(), st.sidebar.empty()
    return st.session_state[_SLOTS]


def show_numbers(slot: DeltaGenerator) -> None:
    """Draws the skeleton of cards and a chart in a place, until it is cleared."""
    st.session_state[_NUMBERS] = (slot,)
    with slot.container():
        _draw_numbers()


def clear() -> None:
    """Takes skeletons away, before what comes in their place is drawn. After `st.stop` nothing can be drawn any more."""
    for slot in (*st.session_state.pop(_SLOTS, ()), *st.session_state.pop(_NUMBERS, ())):
        slot.empty()


def draw_frame(place: DeltaGenerator, title: str, words: str = "Starting …", share: float = 0, *, has_cards: bool = True) -> None:
    """A page's title, how far its start is, and a skeleton of cards and a chart."""
    with place.container():
        st.title(title, anchor=False)
        st.progress(share, text=words)
        _draw_numbers(has_cards=has_cards)


def _draw_numbers(*, has_cards: bool = True) -> None:
    """A skeleton of cards and a chart, or of something large."""
    if has_cards:
        grid = st.grid(CARD_COLUMNS, min_column_width=CARD_WIDTH, gap=CARD_GAP)
        for _ in range(CARD_COLUMNS):
            with grid:
                st.skeleton(height=CARD_HEIGHT)
        st.skeleton(height=TABS_HEIGHT)
    st.skeleton(height=CHART_HEIGHT)
