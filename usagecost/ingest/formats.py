"""The formats that are recognised for a lake: those of the product, and those that people have described beside the lake.

A mapping in the folder `sources` beside the lake (with a remote one, within it) that says by which columns its files are
recognised is a format like any other; one with the name of a format of the product takes its place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from usagecost.lake import Lake, LakeError, TextFolder
from usagecost.sources import SOURCES, Head, Source
from usagecost.sources.mapped import Mapped, mapped_by
from usagecost.sources.mapping import MappingProblem, mapping_of, parse_mapping
from usagecost.sources.records import is_json

FOLDER, SUFFIX = "sources", ".toml"


class Formats(NamedTuple):
    """Formats by name, sentences about mappings beside the lake that cannot be used, and the keys of those that can, by name."""

    sources: Mapping[str, Source]
    problems: tuple[str, ...] = ()
    own: Mapping[str, dict[str, Any]] = {}


def known_formats(lake: Lake) -> Formats:
    """The formats of the product, then people's own by name."""
    folder = _folder(lake)
    sources: dict[str, Source] = {source.name: source for source in SOURCES}
    problems, keys = [], {}
    try:
        texts = {name: folder.read(name) for name in folder.names() if name.endswith(SUFFIX)}
    except LakeError as problem:
        return Formats(sources, (str(problem),))
    for name, text in texts.items():
        try:
            own = _own_format(text or "")
        except MappingProblem as problem:
            problems.append(f"The format {name} in {folder} is left out: {problem}")
        else:
            sources[own.name], keys[own.name] = own, tomllib.loads(text or "")
    return Formats(sources, tuple(problems), keys)


def mapped_logs(keys: dict[str, Any]) -> Source:
    """Logs as a mapping with these keys reads them; raises MappingProblem."""
    return mapped_by(mapping_of(keys))


def columns_to_recognise(path: Path, columns: Sequence[str], keys: dict[str, Any]) -> list[str]:
    """The columns by which files such as one of these columns are known: all of a table; of JSON those that a mapping reads."""
    if not is_json(Head.of(path)):
        return list(columns)
    places = mapping_of(keys).places
    return [name for name in columns if any(place == name or place.startswith(f"{name}.") for place in places)]


def keys_of_toml(text: str) -> dict[str, Any]:
    """The keys of a mapping that a person wrote; raises MappingProblem."""
    parse_mapping(text)
    return tomllib.loads(text)


def keep_format(lake: Lake, keys: dict[str, Any]) -> None:
    """Keeps a mapping as a format of its name, in the place of an earlier one; raises MappingProblem or LakeError."""
    text = tomli_w.dumps(keys)
    own, folder = _own_format(text), _folder(lake)
    name = f"{own.name}{SUFFIX}"
    folder.put(name, text, seen=folder.read(name))


def _own_format(text: str) -> Mapped:
    own = mapped_by(parse_mapping(text))
    if not own.mapping.recognise:
        raise MappingProblem('recognise is missing: name the columns by which its files are known, such as ["id", "tokens_in"].')
    return own


def _folder(lake: Lake) -> TextFolder:
    return lake.texts_beside(FOLDER)
