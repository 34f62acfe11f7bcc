"""A budget, an amount for a period, of which requests, when it alerts, and who is told; and their file `budgets.toml` beside the
lake, changed one budget at a time, never over somebody else's change.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from usagecost.lake import Lake, LakeChanged
from usagecost.toml_lines import TomlProblem, TomlTable, line_of, parse_toml, read_toml, refusal
from usagecost.toml_tables import put_table, write_table
from usagecost.vocabulary.filters import Filters, Values, check_values, conditions_of

PeriodName = Literal["day", "week", "month", "quarter", "year"]
PERIODS: dict[PeriodName, str] = {"day": "Day", "week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year"}
"""Period of the reporting zone's calendar -> what it is called."""
NAME = "budgets.toml"
HEADER = "# Budgets: what requests may cost in a period, when to alert, and who is told.\n"
_CHANGED = "The budget was changed by somebody else in the meantime: look at it again, then change it."
_CHANGED_RULES = "The rules were changed by somebody else in the meantime: look at them again, then change them."
TABLE = "budget"
MOST_BUDGETS, LONGEST_NAME = 500, 80
HIGHEST_THRESHOLD = 1_000
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")

Thresholds = Annotated[tuple[int, ...], Field(max_length=10)]
Amount = Annotated[Decimal, Field(gt=0, lt=10**12, max_digits=18, decimal_places=6)]
Scope = Annotated[Values, AfterValidator(check_values)]


class BudgetProblem(TomlProblem):
    """What is wrong with the file: the line, the key, and what would be right."""


def _check_channels(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _CHANNEL.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a channel: use small letters, digits and _, such as ops")
    return tuple(dict.fromkeys(names))


Channels = Annotated[tuple[str, ...], Field(max_length=20), AfterValidator(_check_channels)]
"""Who is told: names, for each of which the environment has a URL."""


class Budget(TomlTable):
    """At most ``amount`` USD a ``period`` for the requests that have the values ``only``, and none of those in ``without``.

    ``actual`` and ``forecast`` are thresholds in percent of the amount, of what is used and of what the forecast says of the end.
    ``incomplete`` alerts when requests without a price make the spend a lower bound.
    """

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    amount: Amount
    period: PeriodName = "month"
    only: Scope = Field(default_factory=dict)
    without: Scope = Field(default_factory=dict)
    actual: Thresholds = (80, 100)
    forecast: Thresholds = (100,)
    incomplete: bool = False
    tell: Channels = ()

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            raise ValueError("it has to be one line of text, without spaces around it")
        return name

    @field_validator("actual", "forecast")
    @classmethod
    def _check_thresholds(cls, percents: tuple[int, ...]) -> tuple[int, ...]:
        if wrong := [percent for percent in percents if not 1 <= percent <= HIGHEST_THRESHOLD]:
            raise ValueError(f"{wrong[0]} is no threshold: use percent from 1 to {HIGHEST_THRESHOLD:,}, such as 80")
        return tuple(sorted(set(percents)))

    @model_validator(mode="after")
    def _check_both(self) -> Self:
        if twice := self.only.keys() & self.without.keys():
            raise ValueError(f"{min(twice)} stands in only and in without: use one of them")
        return self

    @property
    def filters(self) -> Filters:
        """The requests that it is about, as questions understand it."""
        conditions = (*conditions_of(self.only), *conditions_of(self.without, excludes=True))
        return Filters(tuple(sorted(conditions, key=lambda one: one.dimension)))


class Rules(TomlTable):
    """What else alerts, and who is told of it; nothing does unless it is set.

    ``unpriced_models``: a model that is new and has no list price. ``silent_hours``: a source that is heard regularly was not for
    so long. ``new_above``: a user or key seen for the first time has cost so many USD. ``unusual_days``, ``unusual_failures`` and
    ``unusual_latency``: a day's spend, failure rate or p95 latency is far above the usual.
    """

    unpriced_models: bool = False
    silent_hours: Annotated[int | None, Field(ge=1, le=720)] = None
    new_above: Amount | None = None
    unusual_days: bool = False
    unusual_failures: bool = False
    unusual_latency: bool = False
    tell: Channels = ()


class BudgetFile(TomlTable):
    """All that the file says."""

    budget: Annotated[tuple[Budget, ...], Field(max_length=MOST_BUDGETS)] = ()
    alerts: Rules = Rules()


@lru_cache(maxsize=8)
def parse_budgets(text: str) -> BudgetFile:
    """Returns what a file says; raises BudgetProblem with the line, the key and the cure."""
    file = parse_toml(text, BudgetFile, BudgetProblem)
    names: set[str] = set()
    for place, budget in enumerate(file.budget):
        if budget.name.casefold() in names:
            line = line_of(text, (TABLE, place, "name"))
            raise BudgetProblem(f"line {line}, name: there is a budget {budget.name!r} already, give this one another name.")
        names.add(budget.name.casefold())
    return file


def check_budget(fields: dict[str, object]) -> Budget | str:
    """Returns the budget that some fields make, or a sentence that says why they make none."""
    try:
        return Budget.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = next((str(part) for part in first["loc"] if isinstance(part, str)), "budget")
        return f"{key.capitalize()}: {refusal(error)}."


def budget_text(budget: Budget) -> str:
    """Returns the budget as a table of the file; what is as it is by default is left out."""
    whole = {} if budget.amount % 1 else {"amount": int(budget.amount)}
    return write_table(f"[[{TABLE}]]", budget.model_dump(exclude_defaults=True) | whole)


def rules_text(rules: Rules) -> str:
    """Returns the rules as a table of the file; "" where nothing is set."""
    fields = rules.model_dump(exclude_defaults=True)
    return write_table("[alerts]", fields) if fields else ""


def read_budgets(lake: Lake) -> BudgetFile:
    """Returns what the file beside a lake says, nothing where there is none. Raises BudgetProblem, naming it, and LakeError."""
    return read_toml(lake.texts_beside(), NAME, parse_budgets)


def add_budget(lake: Lake, budget: Budget) -> None:
    """Appends a budget; raises BudgetProblem, and changes nothing, if the file were broken then, and LakeError."""
    lake.texts_beside().append(NAME, budget_text(budget), header=HEADER, parse=parse_budgets)


def change_budget(lake: Lake, original: Budget, budget: Budget | None) -> None:
    """Puts a budget, or none, in the place of one as it was seen; all else in the file stays as it is.

    Raises BudgetProblem, and changes nothing, if the file were broken then; LakeChanged if that budget is not there any more.
    """
    folder = lake.texts_beside()
    text = folder.read(NAME) or ""
    file = parse_budgets(text)
    if original not in file.budget:
        raise LakeChanged(_CHANGED)
    place, others = file.budget.index(original), file.budget
    changed_file = file.model_copy(update={"budget": (*others[:place], *([budget] if budget else []), *others[place + 1 :])})
    written = budget_text(budget) if budget else ""
    changed = put_table(text, TABLE, place, written, lambda new: parse_budgets(new) == changed_file)
    changed = changed or _whole(changed_file)
    parse_budgets(changed)
    folder.put(NAME, changed, seen=text)


def put_rules(lake: Lake, original: Rules, rules: Rules) -> None:
    """Puts other rules in the place of the ``original`` ones; all else stays. Raises BudgetProblem, and LakeChanged if they are not
    there any more.
    """
    folder = lake.texts_beside()
    text = folder.read(NAME)
    file = parse_budgets(text or "")
    if file.alerts != original:
        raise LakeChanged(_CHANGED_RULES)
    changed_file = file.model_copy(update={"alerts": rules})
    changed = put_table(text or HEADER, "alerts", 0, rules_text(rules), lambda new: parse_budgets(new) == changed_file)
    folder.put(NAME, changed or _whole(changed_file), seen=text)


def _whole(file: BudgetFile) -> str:
    return "\n".join([HEADER, *(budget_text(budget) for budget in file.budget), rules_text(file.alerts)])
