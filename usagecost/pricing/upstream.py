"""The price list as its maintainers publish it between two releases of the library: fetched only when somebody asks for it.

A fetched list is a text. Which one prices are computed by is a matter of the whole process, as it is in the library.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version

import httpx2
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import Provider, _providers_from_raw
from genai_prices.update_prices import DEFAULT_UPDATE_URL as UPSTREAM

from usagecost.pricing import names

LONGEST_WAIT_S = 20.0


class ListProblem(Exception):  # noqa: N818 - a sentence for a person
    """Why a price list could not be had, and what would help."""


_in_use: dict[str, str] = {}
"""The digest of the fetched list that prices are computed by, and when it was fetched; nothing: it is the library's own."""


def fetched_list(url: str = UPSTREAM) -> str:
    """The list as it is published now, with the time and place it is from, as a text for `use_list`; raises ListProblem."""
    try:
        answer = httpx2.get(url, timeout=LONGEST_WAIT_S, follow_redirects=True)
        answer.raise_for_status()
        providers = json.loads(answer.content)
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        raise ListProblem(
            f"The price list could not be fetched from {url} ({type(problem).__name__}): check the network, and try again."
        ) from None
    except ValueError:
        raise ListProblem(f"What {url} answers is no JSON: is this the address of a price list?") from None
    text = json.dumps({"fetched_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "url": url, "providers": providers})
    _providers(text)
    return text


def use_list(text: str | None) -> None:
    """Compute prices by a fetched list from now on, by the library's own without one; raises ListProblem."""
    digest = sha256(text.encode()).hexdigest()[:12] if text else None
    if digest == _in_use.get("digest"):
        return
    set_custom_snapshot(DataSnapshot(_providers(text), from_auto_update=True) if text else None)
    names.forget()
    _in_use.clear()
    if text and digest:
        _in_use.update(digest=digest, fetched_at=json.loads(text)["fetched_at"])


def prices_version() -> str:
    """The version of the price list: of the library, and of a fetched list if one is in use."""
    fetched = " + list of {fetched_at} {digest}".format(**_in_use) if _in_use else ""
    return f"{version('genai-prices')}{fetched}"


def _providers(text: str) -> list[Provider]:
    """The library reads its own lists by this, and has no public name for it."""
    try:
        providers = _providers_from_raw(json.loads(text)["providers"])
    except (ValueError, KeyError, TypeError):
        providers = []
    if not providers:
        raise ListProblem("This is no price list that this version of genai-prices can read: update the package instead.")
    return providers
