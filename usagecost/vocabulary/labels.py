"""What readers call the values of a dimension: a team, user or key by its name, where one is known; anything else as it stands.

Numbers are folds by id, whatever it is called. Two ids of one name are told apart by the beginnings of their ids.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256

import pyarrow as pa

from usagecost.vocabulary.filters import NOT_REPORTED, Condition

FIELDS = {"user": "user_id", "team": "team_id", "key": "virtual_key"}
"""Dimension -> the column of a request whose ids can have names."""

WORDS = {"streaming": {"streamed": "streaming", "at once": "not streaming"}}
"""Dimension -> what its values are called whatever a lake says: boards and links keep the values."""

SHORT_ID = 8
"""Characters of an id that tell it from another, unless it takes more."""


class Labels:
    """The names of ids, by dimension."""

    def __init__(self, names: Mapping[str, Mapping[str, str]]) -> None:
        self._names = names

    @classmethod
    def of_names(cls, names: pa.Table) -> Labels:
        """From the lake's names, of which an id's newest counts."""
        newest: dict[str, dict[str, str]] = {dimension: {} for dimension in FIELDS}
        dimensions = {field: dimension for dimension, field in FIELDS.items()}
        for row in sorted(names.to_pylist(), key=lambda row: (row["seen_at"], row["source"])):
            name = " ".join(row["name"].split())
            if name and row["field"] in dimensions:
                newest[dimensions[row["field"]]][row["id"]] = name
        return cls({dimension: distinct_labels(of_ids) for dimension, of_ids in newest.items()})

    @cached_property
    def digest(self) -> str:
        """What other names have another of."""
        return sha256(json.dumps(self._names, sort_keys=True).encode()).hexdigest()

    def of(self, dimension: str | None, value: str) -> str:
        """What a value is called."""
        return self._names.get(dimension or "", WORDS.get(dimension or "", {})).get(value, value)

    def has(self, dimension: str | None, values: Iterable[object]) -> bool:
        """Whether one of the values has a name."""
        names = self._names.get(dimension or "", {})
        return any(value in names for value in values)

    def id_of(self, dimension: str, name: str) -> str:
        """The value that is called so; what nothing is called by is a value itself."""
        return self._ids.get(dimension, {}).get(name, name)

    def value_of(self, dimension: str, name: str) -> str | None:
        """The value that somebody means by a name, by itself, or by the words for what is not reported: None."""
        return None if name == NOT_REPORTED else self.id_of(dimension, name)

    def conditions(self, pairs: Iterable[tuple[str, str]], *, excludes: bool = False) -> tuple[Condition, ...]:
        """One condition a dimension that is asked for: one of the values that are said of it, or, if it ``excludes``, none."""
        values: dict[str, set[str | None]] = {}
        for dimension, name in pairs:
            values.setdefault(dimension, set()).add(self.value_of(dimension, name))
        return tuple(
            Condition(dimension, tuple(sorted(some, key=lambda value: (value is None, value or ""))), excludes)
            for dimension, some in sorted(values.items())
        )

    def all_with(self, text: str) -> tuple[tuple[str, str], ...]:
        """The columns and ids in whose name a text occurs, in upper or lower case."""
        return tuple(
            (field, value)
            for dimension, field in FIELDS.items()
            for value, name in sorted(self._names.get(dimension, {}).items())
            if text.casefold() in name.casefold()
        )

    def of_all(self, dimension: str | None, values: Iterable[str]) -> dict[str, str]:
        """What each of some values is called; no two are called the same, also where one's name is what another is."""
        names = {value: self.of(dimension, value) for value in values}
        counts = Counter(names.values())
        return {value: f"{name} ({value})" if counts[name] > 1 and name != value else name for value, name in names.items()}

    @cached_property
    def _ids(self) -> dict[str, dict[str, str]]:
        return {dimension: {name: value for value, name in of_ids.items()} for dimension, of_ids in self._names.items()}


NO_LABELS = Labels({})


def distinct_labels(names: Mapping[str, str]) -> dict[str, str]:
    """Id -> a label that is nothing else's: its name, with the beginning of the id where another has or is the same."""
    counts = Counter([*names.values(), *names, NOT_REPORTED, "Other"])
    shared: dict[str, list[str]] = {}
    for value, name in names.items():
        if counts[name] - (name == value) > 1:
            shared.setdefault(name, []).append(value)
    labels = {value: f"{name} ({_short(value, ids)})" for name, ids in shared.items() for value in ids}
    return {value: labels.get(value, name) for value, name in names.items()}


def _short(value: str, ids: Iterable[str]) -> str:
    """The beginning of an id, long enough that none of the others begins so."""
    other_ids = [known_id for known_id in ids if known_id != value]
    length = next(
        (size for size in range(SHORT_ID, len(value)) if not any(known_id[:size] == value[:size] for known_id in other_ids)), None
    )
    return value[:length]
