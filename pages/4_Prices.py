"""Prices: what every model costs, setting prices and changing own ones, comparing with what was reported, and repricing."""

from usagecost.start import first_frame

first_frame("Prices", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import prices

PARTS = ("Models", "Set a price", "Own prices", "Reported and list", "Cache", "Reprice")

view = ui.page(
    "Prices",
    icon=":material/sell:",
    own={"part": ui.Choice(default=PARTS[0], options=PARTS), "price_model": ui.Choice(), "entry": ui.Choice("number")},
    uses=("range", "filters", "basis"),
    at_once=True,
)

models_tab, set_tab, own_tab, compared_tab, cache_tab, reprice_tab = st.tabs(PARTS, key="part", on_change="rerun")

if models_tab.open:
    with models_tab:
        prices.models(view)

if set_tab.open:
    with set_tab:
        prices.set_price(view)

if own_tab.open:
    with own_tab:
        prices.own_prices(view)

if compared_tab.open:
    with compared_tab:
        prices.compared(view)

if cache_tab.open:
    with cache_tab:
        prices.caching(view)

if reprice_tab.open:
    with reprice_tab:
        prices.repricing(view)
