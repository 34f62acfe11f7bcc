"""Channels: a name, such as ops, for which the environment has a URL of Apprise, USAGECOST_ALERT_OPS. The URLs are secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

PREFIX = "USAGECOST_ALERT_"
INSTALL = "Apprise is not installed: python -m pip install -r requirements-alerts.txt"


@dataclass(frozen=True)
class Letter:
    """What a mail has in the place of its text: HTML, the pictures that it names as `cid:NAME`, and a page, attached as ``name``.

    What is no mail has the text, and the page where it takes files.
    """

    html: str
    pictures: Mapping[str, bytes]
    name: str
    page: bytes


def channels() -> dict[str, str]:
    """Returns the channels that the environment names, by name, with their URLs."""
    return {name.removeprefix(PREFIX).lower(): url for name, url in sorted(os.environ.items()) if name.startswith(PREFIX) and url}


def channel_problem(name: str) -> str | None:
    """Returns why nobody can be told by a channel, in a sentence; None if one can be."""
    if name not in channels():
        return f"The channel {name} has no URL: set {PREFIX}{name.upper()} to one of Apprise, such as mailto://…, and start again."
    return None if find_spec("apprise") else f"{INSTALL}."


def send(name: str, title: str, body: str, *, is_good: bool = False, letter: Letter | None = None) -> str | None:
    """Tells a channel; returns why that failed, in a sentence without secrets, or None. ``is_good`` is said with another sign."""
    if problem := channel_problem(name):
        return problem
    import apprise

    notifier = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Usage & Cost", app_desc="Usage & Cost", app_url=""))
    if not notifier.add(channels()[name]):
        return f"The URL in {PREFIX}{name.upper()} is none that Apprise knows: see its list of services."
    sign = apprise.NotifyType.SUCCESS if is_good else apprise.NotifyType.WARNING
    message = _said_by(next(iter(notifier)), body, letter)
    try:
        is_done = notifier.notify(title=title, notify_type=sign, **message)
    except Exception as error:  # whatever a service's code raises: the others are told all the same
        return f"The channel {name} failed ({type(error).__name__})."
    return None if is_done else f"The channel {name} did not take the message: see the log, then check its URL and the service."


def _said_by(service: Any, body: str, letter: Letter | None) -> dict[str, Any]:
    """What a service is given to say."""
    import apprise

    if letter is None:
        return {"body": body, "body_format": apprise.NotifyFormat.TEXT}
    from apprise.attachment.memory import AttachMemory
    from apprise.plugins.email import NotifyEmail

    page = AttachMemory(letter.page, name=letter.name, mimetype="text/html")
    if not isinstance(service, NotifyEmail):
        files = {"attach": apprise.AppriseAttachment(page)} if service.attachment_support else {}
        return {"body": body, "body_format": apprise.NotifyFormat.TEXT, **files}
    service.inline = True  # pictures belong to the HTML, not below it
    pictures = [AttachMemory(content, name=name, mimetype="image/png") for name, content in letter.pictures.items()]
    return {"body": letter.html, "body_format": apprise.NotifyFormat.HTML, "attach": apprise.AppriseAttachment([*pictures, page])}
