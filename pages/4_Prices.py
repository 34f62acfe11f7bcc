"""Prices: what every model costs, setting prices and changing own ones, comparing with what was reported, and repricing."""

from usagecost.start import first_frame

first_frame("Prices", has_cards=False)

from usagecost import ui
from usagecost.ui import prices

PARTS = {
    "Models": prices.models,
    "Set a price": prices.set_price,
    "Own prices": prices.own_prices,
    "Reported and list": prices.compared,
    "Cache": prices.caching,
    "Reprice": prices.repricing,
}

view = ui.page(
    "Prices",
    icon=":material/sell:",
    own={"part": ui.Choice(default="Models", options=tuple(PARTS)), "price_model": ui.Choice(), "entry": ui.Choice("number")},
    uses=("range", "filters", "basis"),
    at_once=True,
)
ui.parts(PARTS, view)
