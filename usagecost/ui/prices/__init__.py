"""The parts of the page Prices, one file each."""

from usagecost.ui.prices.caching import caching
from usagecost.ui.prices.compared import compared
from usagecost.ui.prices.models import models
from usagecost.ui.prices.own import own_prices
from usagecost.ui.prices.repricing import repricing
from usagecost.ui.prices.setting import set_price
