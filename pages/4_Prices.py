"""Prices: what every model costs and by which price, setting one, comparing with what was reported, and repricing."""

import streamlit as st

from usagecost import ui
from usagecost.ui import prices

view = ui.page("Prices", icon=":material/sell:", at_once=True)

models_tab, set_tab, compared_tab, cache_tab, reprice_tab = st.tabs(
    ["Models", "Set a price", "Reported and list", "Cache", "Reprice"], key="part", on_change="rerun", bind="query-params"
)

if models_tab.open:
    with models_tab:
        prices.models(view)

if set_tab.open:
    with set_tab:
        prices.set_price(view)

if compared_tab.open:
    with compared_tab:
        prices.compared(view)

if cache_tab.open:
    with cache_tab:
        prices.caching(view)

if reprice_tab.open:
    with reprice_tab:
        prices.repricing(view)
