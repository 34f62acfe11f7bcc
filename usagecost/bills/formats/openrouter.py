"""OpenRouter: activity, as the API tells it (`GET /api/v1/activity`), and as the CSV of generations that the activity page exports.

Money: US dollars. `usage` and `cost_total` are the credits that OpenRouter took; `byok_usage_inference`, what a key of one's own
cost at its provider, is on that provider's bill and not added. The cost of a row is for all of its tokens together, so it has no
meter. Time: UTC days, of the last 30 complete ones; the CSV has the instant of each generation. An account is not told. The
quantity is requests. Buying credits, their fee and taxes are not in it.

Shape: openrouter-python 1.3, `components/activityitem.py`; the CSV as exports have it, not documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from usagecost.bills.formats.pages import ApiFormat
from usagecost.bills.formats.shape import Line, Notes, TableFormat, number, text
from usagecost.bills.formats.words import named_model

_TOLD = {"provider": "openrouter", "kind": "usage", "unit": "requests", "currency": "USD"}


def _fits(item: Mapping[str, Any]) -> bool:
    return {"date", "usage", "model_permaslug"} <= item.keys()


def _read(item: Mapping[str, Any]) -> Iterator[Line]:
    slugs = [text(item.get("model_permaslug")), text(item.get("model"))]
    yield _TOLD | {
        "project": text(item.get("workspace_id")),
        "model": next(filter(None, (named_model("openrouter", slug) for slug in slugs)), None),
        "sku": next(filter(None, slugs), None),
        "quantity": number(item.get("requests")),
        "amount": number(item["usage"]),
        "description": text(item.get("provider_name")),
    }


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:  # noqa: ARG001 - says nothing of the whole
    yield _TOLD | {
        "model": named_model("openrouter", fields["sku"]),
        "quantity": Decimal(1),
    }


ACTIVITY = ApiFormat("openrouter-activity", "OpenRouter activity", _fits, _read, "date", None)
GENERATIONS = TableFormat(
    name="openrouter-activity",
    title="OpenRouter activity (CSV)",
    known_by=("generationid", "createdat", "costtotal", "modelpermaslug"),
    columns={
        "starts": ("createdat",),
        "project": ("appname",),
        "key": ("apikeyname",),
        "sku": ("modelpermaslug",),
        "amount": ("costtotal",),
        "description": ("providername",),
    },
    finish=_finish,
)
