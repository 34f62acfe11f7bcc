"""The file `budgets.toml` beside the lake: read, and changed one budget at a time, never over somebody else's change."""

from __future__ import annotations

from usagecost.budgets.budget import TABLE, Budget, BudgetFile, Rules, budget_text, parse_budgets, rules_text
from usagecost.lake import Lake, LakeChanged
from usagecost.toml_lines import read_toml
from usagecost.toml_tables import put_table

NAME = "budgets.toml"
HEADER = "# Budgets: what requests may cost in a period, when to alert, and who is told.\n"
_CHANGED = "The budget was changed by somebody else in the meantime: look at it again, then change it."
_CHANGED_RULES = "The rules were changed by somebody else in the meantime: look at them again, then change them."


def read_budgets(lake: Lake) -> BudgetFile:
    """Returns what the file beside a lake says, nothing where there is none. Raises BudgetProblem, naming it, and LakeError."""
    return read_toml(lake.texts_beside(), NAME, parse_budgets)


def add_budget(lake: Lake, budget: Budget) -> None:
    """Appends a budget; raises BudgetProblem, and changes nothing, if the file were broken then, and LakeError."""
    lake.texts_beside().append(NAME, budget_text(budget), header=HEADER, parse=parse_budgets)


def change_budget(lake: Lake, seen: Budget, budget: Budget | None) -> None:
    """Puts a budget, or none, in the place of one as it was seen; all else in the file stays as it is.

    Raises BudgetProblem, and changes nothing, if the file were broken then; LakeChanged if that budget is not there any more.
    """
    folder = lake.texts_beside()
    text = folder.read(NAME) or ""
    said = parse_budgets(text)
    if seen not in said.budget:
        raise LakeChanged(_CHANGED)
    place, others = said.budget.index(seen), said.budget
    wanted = said.model_copy(update={"budget": (*others[:place], *([budget] if budget else []), *others[place + 1 :])})
    written = budget_text(budget) if budget else ""
    changed = put_table(text, TABLE, place, written, lambda new: parse_budgets(new) == wanted)
    changed = changed or _whole(wanted)
    parse_budgets(changed)
    folder.put(NAME, changed, seen=text)


def put_rules(lake: Lake, seen: Rules, rules: Rules) -> None:
    """Puts other rules in the place of those that were ``seen``; all else stays. Raises BudgetProblem, and LakeChanged if they are
    not there any more.
    """
    folder = lake.texts_beside()
    text = folder.read(NAME)
    said = parse_budgets(text or "")
    if said.alerts != seen:
        raise LakeChanged(_CHANGED_RULES)
    wanted = said.model_copy(update={"alerts": rules})
    changed = put_table(text or HEADER, "alerts", 0, rules_text(rules), lambda new: parse_budgets(new) == wanted)
    folder.put(NAME, changed or _whole(wanted), seen=text)


def _whole(said: BudgetFile) -> str:
    return "\n".join([HEADER, *(budget_text(budget) for budget in said.budget), rules_text(said.alerts)])
