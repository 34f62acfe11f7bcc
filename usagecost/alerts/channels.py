"""Channels: a name, such as ops, for which the environment has a URL of Apprise, USAGECOST_ALERT_OPS. The URLs are secrets."""

from __future__ import annotations

import os
from importlib.util import find_spec

PREFIX = "USAGECOST_ALERT_"
INSTALL = "Apprise is not installed: python -m pip install -r requirements-alerts.txt"


def channels() -> dict[str, str]:
    """Returns the channels that the environment names, by name, with their URLs."""
    return {name.removeprefix(PREFIX).lower(): url for name, url in sorted(os.environ.items()) if name.startswith(PREFIX) and url}


def channel_problem(name: str) -> str | None:
    """Returns why nobody can be told by a channel, in a sentence; None if one can be."""
    if name not in channels():
        return f"The channel {name} has no URL: set {PREFIX}{name.upper()} to one of Apprise, such as mailto://…, and start again."
    return None if find_spec("apprise") else f"{INSTALL}."


def send(name: str, title: str, body: str, *, is_good: bool = False) -> str | None:
    """Tells a channel; returns why that failed, in a sentence without secrets, or None. ``is_good`` is said with another sign."""
    if problem := channel_problem(name):
        return problem
    import apprise

    notifier = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Usage & Cost", app_desc="Usage & Cost", app_url=""))
    if not notifier.add(channels()[name]):
        return f"The URL in {PREFIX}{name.upper()} is none that Apprise knows: see its list of services."
    sign = apprise.NotifyType.SUCCESS if is_good else apprise.NotifyType.WARNING
    try:
        is_done = notifier.notify(body=body, title=title, notify_type=sign, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # whatever a service's code raises: the others are told all the same
        return f"The channel {name} failed ({type(error).__name__})."
    return None if is_done else f"The channel {name} did not take the message: see the log, then check its URL and the service."
