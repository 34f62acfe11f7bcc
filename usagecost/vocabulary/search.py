"""Searching requests: a text in what they say of themselves, or in the message of their error."""

from __future__ import annotations

from dataclasses import dataclass

from usagecost.vocabulary.measures import FAILED

SEARCHED = (
    "request_id", "trace_id", "session_id", "user_id", "end_user_id", "team_id", "virtual_key", "app", "project", "model",
    "requested_model", "error_class",
)  # fmt: skip
"""Where a free text is looked for, beside the message of an error."""

MESSAGES = ("error_message", "error", "exception", "message", "status_message", "exception.message", "error.message", "error_str")
"""What the message of a failure is called among the remaining fields."""
MESSAGE_SQL = "coalesce(" + ", ".join(f"json_extract_string(attributes, '$.\"{name}\"')" for name in MESSAGES) + ")"


@dataclass(frozen=True)
class Text:
    """The text occurs, in upper or lower case, in an id of the request, in whose and what it is, its model, or its error.

    ``named_ids`` are columns with ids in whose name it occurs.
    """

    text: str
    named_ids: tuple[tuple[str, str], ...] = ()

    def sql(self, prefix: str) -> tuple[str, dict[str, str]]:
        """The condition and its parameters."""
        tests = [f"strpos(lower({column}), ${prefix}_text) > 0" for column in SEARCHED]
        tests.append(f"({FAILED} AND strpos(lower({MESSAGE_SQL}), ${prefix}_text) > 0)")
        tests += [f"{column} = ${prefix}_{place}" for place, (column, _) in enumerate(self.named_ids)]
        ids = {f"{prefix}_{place}": value for place, (_, value) in enumerate(self.named_ids)}
        return f"(({' OR '.join(tests)}) IS TRUE)", {f"{prefix}_text": self.text.lower(), **ids}

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        return f"search: “{self.text[:60]}”"
