"""What many tests ask, asked at once: to plan a query takes longer than to answer it for all of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

Asking = Callable[[], Generator[Any, Any, None]]


class Together:
    """Answers the questions of a file's tests in one go.

    A test yields its question and is given the answer; one of `each` yields several, and is given a list of answers.
    """

    def __init__(self, answer: Callable[[Path, list[Any]], Iterable[Any]]) -> None:
        self._answer = answer
        self._tests: list[tuple[Asking, bool]] = []
        self._answers: list[list[Any]] = []

    def __call__(self, test: Asking) -> Callable[..., None]:
        return self._answered(test, is_each=False)

    def each(self, test: Asking) -> Callable[..., None]:
        return self._answered(test, is_each=True)

    def _answered(self, test: Asking, *, is_each: bool) -> Callable[..., None]:
        place = len(self._tests)
        self._tests.append((test, is_each))

        def run(tmp_path_factory: pytest.TempPathFactory) -> None:
            if not self._answers:
                self._answers = list(self._ask(tmp_path_factory.mktemp("together")))
            answers, asking = self._answers[place], test()
            next(asking)
            with pytest.raises(StopIteration):
                asking.send(answers if is_each else answers[0])

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    def _ask(self, folder: Path) -> Iterator[list[Any]]:
        questions = [list(next(test())) if is_each else [next(test())] for test, is_each in self._tests]
        answers = iter(self._answer(folder, list(chain(*questions))))
        return (list(islice(answers, len(asked))) for asked in questions)
