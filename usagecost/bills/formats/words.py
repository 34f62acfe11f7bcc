"""What the words of a bill mean: which model they name and what they count.

Clouds write what they sell for people: `USE1-Claude4.6Sonnet-cache-read-input-token-count`, `gpt 4o 1120 cached Inp glbl Tokens`,
`Gemini 2.5 Pro Text Input - Predictions`. A model is named where the words before the direction, without marks such as a region or
a tier, are those of exactly one model of the price list, in any order. Nothing is guessed beyond that: a word that is neither of
the model nor a known mark leaves the model NULL, as do words that two models share.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from itertools import takewhile

from usagecost.pricing import listed_models, resolve

INPUT = frozenset(("inp", "inpt", "input", "in", "uncached", "prompt"))
OUTPUT = frozenset(("outp", "outpt", "output", "out", "opt", "completion"))
CACHED = frozenset(("cached", "cchd", "ccchd", "cd", "cache", "caching"))
WRITTEN = frozenset(("wr", "write", "writes", "creation"))

_MARKS = """
    text audio image video thinking and read reads tokens token count units predictions ga batch flex fl priority pp standard std
    global glbl gl regional regnl rg data zone dzone datazone dz cross region geo short long sh co context mantle
"""
MARKS = CACHED | WRITTEN | set(_MARKS.split())
"""Words that say where, when or how the model was asked, or what is counted: never which model."""

CLOUDS = ("aws", "azure", "google", "cloudflare", "databricks", "ovhcloud")
"""Providers of models who sell much else."""

PIECES = (("web", "web_searches"), ("rerank", "rerank_searches"), ("execution", "code_executions"))
"""A word -> the unit of requests that a bill counts so where it counts no tokens."""

_POINT_ZERO = re.compile(r"(?<=\d)\.0(?!\d)")
"""Gemini 3.0 Pro is the model gemini-3-pro."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_VENDORS = frozenset("ai21 amazon anthropic cohere deepseek google meta mistral moonshotai nvidia openai qwen writer zai".split())  # noqa: SIM905
_SNAPSHOT = re.compile(r"(-(20\d{6}|20\d\d-\d\d-\d\d))?(-v?\d+:\d+|-v\d+)?$")
_LEFT_OUT = ("preview", "instruct", *_VENDORS)
"""Words of listed names that bills do not write."""
_PACKAGE = re.compile(r"\b1[KM]\b|(?<=write)[\W_]*(?:1h(?:our)?|5m)", re.IGNORECASE)
_MONTH_AND_DAY = re.compile(r"(0[1-9]|1[0-2])[0-3]\d")
_UNIT = re.compile(
    r"(?P<times>\d*)\s*(?P<scale>[KM]|thousand|million)?[\s_]*(?:(?:input|output|cached|text)[\s_]+)*tokens?", re.IGNORECASE
)
_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}


def words(text: str) -> list[str]:
    """The words of a text in small letters: cut at signs, and where letters and digits or small and great letters meet."""
    return [word.lower() for word in _WORD.findall(_POINT_ZERO.sub(" ", text))]


@lru_cache(maxsize=20_000)
def meter_of(text: str) -> str | None:
    """What is counted: input (uncached), cache_read, cache_write, output, a unit's name; None where the words do not tell."""
    found_words = set(words(text))
    if "storage" in found_words:
        return None
    if found_words & CACHED and "uncached" not in found_words:
        return "cache_write" if found_words & WRITTEN else "cache_read"
    for meter, names in (("output", OUTPUT), ("input", INPUT)):
        if found_words & names:
            return meter
    if "tokens" in found_words and found_words & {"embedding", "embeddings", "embed"}:
        return "input"
    return next((unit for word, unit in PIECES if word in found_words), None)


@lru_cache(maxsize=1_000)
def sells_models_alone(provider: str) -> bool:
    """Whether the price list has models of the provider, which is no cloud."""
    return provider not in CLOUDS and any(model.startswith(f"{provider}/") for model in listed_models())


def named_model(provider: str | None, name: str | None) -> str | None:
    """The name as it is where the price list knows it as a model of the provider, or of the only one who sells it; else None."""
    return name if name and resolve(provider, name) else None


@lru_cache(maxsize=20_000)
def described_model(provider: str, text: str, family: str = "") -> str | None:
    """The model that a description means, as requests name it; `family` is the word that the bill may leave out, such as gpt."""
    text_words = words(_PACKAGE.sub("", text))
    name = list(takewhile(lambda word: word not in INPUT | OUTPUT, text_words))
    snapshot = ""
    while name:
        for spelled in (name, [family, *name]) if family else (name,):
            if names := _models(provider).get(_key(spelled)):
                return _choose(names, snapshot, is_global="global" in text_words)
        last = name.pop()
        if _MONTH_AND_DAY.fullmatch(last):
            snapshot = f"-{last[:2]}-{last[2:]}"
        elif last not in MARKS:
            return None
    return None


def _choose(names: tuple[str, ...], snapshot: str, *, is_global: bool) -> str | None:
    """The one model that names with the same words mean: of its snapshot, if the bill tells one, else without any.

    Bedrock lists a model once for regions and once for all of the world, at another price.
    """
    here = [name for name in names if name.startswith("global.") == is_global] or list(names)
    candidates = [name for name in here if snapshot and snapshot in name] or here
    if len(candidates) > 1:
        candidates = [name for name in candidates if _SNAPSHOT.sub("", name) == name]
    return candidates[0] if len(candidates) == 1 else None


@lru_cache(maxsize=64)
def _models(provider: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The words of the names of a provider's models -> these names. The list leaves out what Azure sells of OpenAI."""
    sellers = ("azure", "openai") if provider == "azure" else (provider,)
    exact: dict[tuple[str, ...], tuple[str, ...]] = {}
    short: dict[tuple[str, ...], tuple[str, ...]] = {}
    listed = (model.partition("/") for model in listed_models())
    for name in sorted({name.removeprefix("regional.") for seller, _, name in listed if seller in sellers}):
        if resolve(provider, name):
            name_words = words(_SNAPSHOT.sub("", name.removeprefix("global.")))
            for keys, key in ((exact, _key(name_words)), (short, _key([word for word in name_words if word not in _LEFT_OUT]))):
                keys[key] = (*keys.get(key, ()), name)
    return short | exact


def _key(name_words: list[str]) -> tuple[str, ...]:
    return tuple(sorted(name_words))


def forget() -> None:
    """Another price list may be in use: models are looked up again."""
    for cached in (described_model, sells_models_alone, _models):
        cached.cache_clear()


def counted(quantity: Decimal | None, unit: str | None) -> tuple[Decimal | None, str | None]:
    """A quantity and its unit, in tokens where they are thousands or millions of them: 29.872 of "1K tokens" are 29,872 tokens."""
    match = _UNIT.fullmatch((unit or "").strip())
    if quantity is None or not match:
        return quantity, unit
    return quantity * int(match["times"] or 1) * _SCALES.get((match["scale"] or "").lower(), 1), "tokens"
