"""What was answered, kept by what was asked: a memory of a bounded size.

Those who ask the same at once wait for one answer, which all of them share: nobody may change it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

LEAST_BYTES = 10_000
"""What an answer counts for at least."""
NOTHING = object()
"""No answer: None may be one."""

Answer = TypeVar("Answer")


@dataclass
class Memory:
    """Answers by their questions, the last used one at the end; beyond ``most_bytes`` what was last used longest ago goes first."""

    most_bytes: int
    answers: OrderedDict[Hashable, tuple[int, Any]] = field(default_factory=OrderedDict)
    bytes: int = 0
    changing: Lock = field(default_factory=Lock)
    asking: dict[Hashable, Lock] = field(default_factory=dict)

    def has(self, question: Hashable) -> bool:
        """Whether the answer is known."""
        return question in self.answers

    def of(self, question: Hashable, ask: Callable[[], Answer], at: int = 0) -> Answer:
        """The answer, asked for if it is not known, or was known ``at`` another time. What fails is not kept."""
        kept_answer = self._known(question, at)
        if kept_answer is not NOTHING:
            return kept_answer
        with self.changing:
            alone = self.asking.setdefault(question, Lock())
        with alone:
            kept_answer = self._known(question, at)
            return self._asked(question, ask, at) if kept_answer is NOTHING else kept_answer

    def _asked(self, question: Hashable, ask: Callable[[], Answer], at: int) -> Answer:
        try:
            answer = ask()
            with self.changing:
                _, before = self.answers.pop(question, (at, NOTHING))
                self.answers[question] = at, answer
                self.bytes += size_of(answer) - (0 if before is NOTHING else size_of(before))
                while self.bytes > self.most_bytes and len(self.answers) > 1:
                    _, (_, oldest) = self.answers.popitem(last=False)
                    self.bytes -= size_of(oldest)
            return answer
        finally:
            self.asking.pop(question, None)

    def _known(self, question: Hashable, at: int) -> Any:
        with self.changing:
            since, answer = self.answers.get(question, (at, NOTHING))
            if answer is NOTHING or since != at:
                return NOTHING
            self.answers.move_to_end(question)
            return answer


def size_of(answer: object) -> int:
    """About how many bytes an answer takes."""
    return max(LEAST_BYTES, int(getattr(answer, "nbytes", 0)))
