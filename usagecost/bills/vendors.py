"""The vendors that can be asked for costs: where, with which key, by which groups, and for how many days at once.

OpenAI and Anthropic are asked by project or workspace, key, model and kind of token, at most five groups besides the last at
Anthropic. OpenRouter tells its last 30 complete days, one a question. Their documentation is named in the headers of `formats`;
the names of variables are those of OpenAI's SDK and of Anthropic's documentation, OpenRouter's documentation names none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from usagecost.bills.formats import ACTIVITY, ANTHROPIC_COSTS, OPENAI_COSTS
from usagecost.bills.formats.pages import ApiFormat
from usagecost.periods import local_midnight

Asked = list[tuple[str, str | int | float | None]]
"""The parameters of a request."""


@dataclass(frozen=True, eq=False)
class Vendor:
    """How one vendor is asked: where, with which key, for at most how many days at once."""

    name: str
    """Of the vendor, and of the provider in its bills."""
    format: ApiFormat
    url: str
    path: str
    keys: tuple[str, ...]
    """Names of variables that may hold the key, the best first."""
    headers: Callable[[str], dict[str, str]]
    asked: Callable[[date, date], Asked]
    """The parameters for the days from one up to another, which is excluded."""
    days_at_once: int
    days_back: int
    """How far back it answers at least."""


def _ask_openai(start: date, end: date) -> Asked:
    times = [(name, str(int(local_midnight(day, "UTC").timestamp()))) for name, day in (("start_time", start), ("end_time", end))]
    return [*times, ("bucket_width", "1d"), ("limit", "180"), *_groups("project_id", "line_item", "api_key_id")]


def _ask_anthropic(start: date, end: date) -> Asked:
    times = [(name, f"{day}T00:00:00Z") for name, day in (("starting_at", start), ("ending_at", end))]
    groups = _groups("workspace_id", "api_key_id", "model", "service_tier", "inference_geo", "cost_type", "token_type")
    return [*times, ("time_bucket_width", "1d"), ("order_by", "time"), ("limit", "1000"), *groups]


def _groups(*names: str) -> Asked:
    return [("group_by[]", name) for name in names]


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            name="openai",
            format=OPENAI_COSTS,
            url="https://api.openai.com",
            path="/v1/organization/costs",
            keys=("OPENAI_ADMIN_KEY",),
            headers=lambda secret: {"Authorization": f"Bearer {secret}"},
            asked=_ask_openai,
            days_at_once=180,
            days_back=365,
        ),
        Vendor(
            name="anthropic",
            format=ANTHROPIC_COSTS,
            url="https://api.anthropic.com",
            path="/v1/organizations/analytics/cost",
            keys=("ANTHROPIC_ADMIN_KEY", "ANTHROPIC_ADMIN_API_KEY"),
            headers=lambda secret: {
                "x-api-key": secret,
                "anthropic-version": "2023-06-01",
                "anthropic-beta": "analytics-usage-cost-2026-08-24",
            },
            asked=_ask_anthropic,
            days_at_once=31,
            days_back=365,
        ),
        Vendor(
            name="openrouter",
            format=ACTIVITY,
            url="https://openrouter.ai",
            path="/api/v1/activity",
            keys=("OPENROUTER_PROVISIONING_KEY", "OPENROUTER_MANAGEMENT_KEY"),
            headers=lambda secret: {"Authorization": f"Bearer {secret}"},
            asked=lambda start, end: [("date", f"{start}")],  # noqa: ARG005 - it answers one day
            days_at_once=1,
            days_back=30,
        ),
    )
}
