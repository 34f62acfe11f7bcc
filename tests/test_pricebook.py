"""The book in force: read beside the lake, used by ingests and repricing, never the end of the app."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.copies import copied
from tests.lake_rows import rows_of
from usagecost.cli import app
from usagecost.ingest import ingest
from usagecost.lake import Lake, LakeChanged
from usagecost.pricebook import add_entry, change_entry, current_book, entries
from usagecost.pricing import BookProblem, days_held, entry_text, parse_book, text_with, written_entries

OWN = '[[price]]\nmodel = "our-llama"\ninput = 2\noutput = 4\n'
TABLE = """request_id,started_at,provider,model,user_id,input_tokens,output_tokens,reported_cost_usd
a,2026-05-01T10:00:00Z,vllm,our-llama,ada,1000000,500000,
b,2026-05-02T10:00:00Z,openai,gpt-4o,bob,1000000,0,2.5
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "prices.toml"


@copied
def loaded(lake: Lake) -> None:
    """A lake with a request that the price list does not know, and one that it does."""
    file = lake.root.parent / "requests.csv"
    file.write_text(TABLE)
    ingest([file], lake)


def run(lake: Lake, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--lake", str(lake.root)])


def test_an_ingest_prices_by_the_own_book(lake: Lake, book: Path, tmp_path: Path):
    book.write_text(OWN)
    file = tmp_path / "requests.csv"
    file.write_text(TABLE)

    assert ingest([file], lake).unpriced == 0
    assert rows_of(lake, "request_id", "list_cost_usd", "price_status") == [
        ("a", Decimal(4), "override"),
        ("b", Decimal("2.5"), "exact"),
    ]


def test_a_broken_book_is_said_and_the_last_good_one_used(loaded: Lake, book: Path):
    book.write_text(OWN)
    assert current_book(loaded).problem is None

    book.write_text(OWN + "output_tokens = 5\n")
    current = current_book(Lake(loaded.root))

    assert [price.model for price in current.book.prices] == ["our-llama"]
    assert f"{book}, line 5, output_tokens is '5': there is no such key; known are" in current.problem
    assert current.problem.endswith("the last good version of it is used.")


def test_without_a_good_book_a_broken_one_says_that_there_are_no_own_prices(lake: Lake, book: Path):
    book.write_text("[[price]]")

    assert current_book(lake).problem.endswith("no own prices are used.")


def test_an_entry_is_appended_and_what_stands_there_stays(lake: Lake, book: Path):
    book.write_text("# ours\n" + OWN)

    added = add_entry(lake, '[[alias]]\nmodel = "bot"\nstands_for = "openai/gpt-4o"')

    assert (len(added.prices), len(added.aliases)) == (1, 1)
    assert book.read_text().startswith("# ours\n[[price]]")


def test_an_entry_that_would_break_the_book_changes_nothing(lake: Lake, book: Path):
    book.write_text(OWN)

    with pytest.raises(BookProblem, match="no such key"):
        add_entry(lake, '[[price]]\nmodel = "x"\nprice = 1')
    assert book.read_text() == OWN


def test_a_price_that_was_set_reaches_old_requests_by_repricing_alone(loaded: Lake, book: Path):
    book.write_text(OWN)
    assert rows_of(loaded, "list_cost_usd") == [(None,), (Decimal("2.5"),)]

    preview = json.loads(run(loaded, "reprice", "--dry-run", "--report", "json").stdout)
    done = json.loads(run(loaded, "reprice", "--why", "own prices", "--report", "json").stdout)

    assert (preview["requests"], preview["before_usd"], preview["after_usd"], preview["unpriced_before"]) == (1, 0, 4, 1)
    assert preview["by_user"] == [{"name": "ada", "requests": 1, "before_usd": 0, "after_usd": 4}]
    assert (done["requests"], done["version"]) == (1, 2)
    assert rows_of(loaded, "list_cost_usd", "reported_cost_usd") == [(Decimal(4), None), (Decimal("2.5"), Decimal("2.5"))]


def test_a_price_dated_tomorrow_changes_nothing_of_yesterday(loaded: Lake, book: Path):
    book.write_text('[[price]]\nmodel = "gpt-4o"\nfrom = 2026-05-03\ninput = 1\noutput = 1\n')

    assert "nothing changes" in run(loaded, "reprice").stdout


def test_a_repricing_is_listed_and_undone(loaded: Lake, book: Path):
    book.write_text(OWN)
    done = json.loads(run(loaded, "reprice", "--report", "json", "--why", "first try").stdout)

    listed = run(loaded, "repricings").stdout
    undone = run(loaded, "reprice", "--undo", done["id"])

    assert done["id"] in listed
    assert "first try" in listed
    assert undone.exit_code == 0
    assert rows_of(loaded, "list_cost_usd") == [(None,), (Decimal("2.5"),)]


def test_a_broken_book_reprices_nothing(loaded: Lake, book: Path):
    book.write_text("[[price]]")

    done = run(loaded, "reprice")

    assert done.exit_code == 1
    assert "line 1, model: it is missing" in done.stderr


def test_the_book_is_checked_by_a_command(loaded: Lake, book: Path):
    book.write_text(OWN)
    assert "1 own prices, 0 aliases, 0 discounts" in run(loaded, "prices").stdout

    book.write_text(OWN + "oops\n")
    assert run(loaded, "prices").exit_code == 1


# ---- one entry among others

FILE = """\
# Ours.

# contract of June
# signed by Ada
[[price]]
model = "our-llama"
input = 2

# ---- what is cheaper

[[discount]]   # of all
percent = 10
from = 2026-03-01

[[price]]
model = "our-llama"
from = 2026-06-01
input = 1
[[price.tier]]
above_input = 1000
input = 3
"""


def test_entries_are_listed_with_their_lines_and_notes(lake: Lake, book: Path):
    book.write_text(FILE)

    first, second, third = entries(lake)
    assert (first.kind, first.note, first.text) == (
        "price", "contract of June signed by Ada",
        '# contract of June\n# signed by Ada\n[[price]]\nmodel = "our-llama"\ninput = 2\n',
    )  # fmt: skip
    assert (second.kind, second.note, second.text) == ("discount", "", "[[discount]]   # of all\npercent = 10\nfrom = 2026-03-01\n")
    assert third.text == FILE[FILE.rindex("[[price]]") :]
    assert [days_held([first, second, third], place) for place in range(3)] == [
        (None, date(2026, 5, 31)),
        (date(2026, 3, 1), None),
        (date(2026, 6, 1), None),
    ]


@pytest.mark.parametrize(
    ("days", "held"),
    [
        ([(1, None), (5, None)], (1, 4)),
        ([(1, None), (None, None)], None),  # the later one holds on all days
        ([(1, 9), (None, 4)], (5, 9)),
        ([(1, 9), (20, None)], (1, 9)),
        ([(1, None), (5, 6), (3, None)], (1, 2)),
        ([(1, None), (5, 6)], (1, None)),  # after an interruption it holds again
    ],
)
def test_an_entry_holds_until_a_later_one_of_its_model_begins(days: list, held: tuple | None):
    def day(number: int | None) -> date | None:
        return number and date(2026, 5, number)

    file = "\n".join(entry_text("price", {"model": "m", "from": day(a), "until": day(b), "free": True}) for a, b in days)

    assert days_held(written_entries(file), 0) == (held and tuple(map(day, held)))


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(name=NAMES, note=st.text(st.characters(codec="utf-8"), max_size=30))
def test_whatever_a_log_calls_a_model_is_written_as_it_is(name: str, note: str):
    written = entry_text("price", {"provider": name, "model": name, "from": date(2026, 5, 1), "input": Decimal("0.000001")}, note)

    (price,) = parse_book(written).prices
    assert (price.provider, price.model, price.input) == (name, name, Decimal("0.000001"))


@given(
    gaps=st.lists(st.sampled_from(["", "\n", "\n\n", "\n# a section\n\n", "# a note\n", "\r\n"]), min_size=1, max_size=5),
    place=st.integers(0, 4),
    new=st.sampled_from(["", '# new\n[[alias]]\nmodel = "bot"\nstands_for = "openai/gpt-4o"']),
)
def test_changing_an_entry_leaves_all_others_as_they_are(gaps: list[str], place: int, new: str):
    file = "".join(f'{gap}[[price]]\nmodel = "m{number}"\ninput = {number}\n' for number, gap in enumerate(gaps))
    before = written_entries(file)
    place %= len(before)

    after = written_entries(text_with(file, before[place], new))

    others = [(one.text, one.entry) for at, one in enumerate(before) if at != place]
    assert [(one.text, one.entry) for one in after if one.kind == "price"] == others
    assert [one.note for one in after if one.kind == "alias"] == (["new"] if new else [])


def test_an_entry_is_corrected_and_removed_and_the_rest_stays(lake: Lake, book: Path):
    book.write_text(FILE)

    change_entry(lake, entries(lake)[0], '[[price]]\nmodel = "our-llama"\ninput = 2.5')
    assert book.read_text() == FILE.replace("# contract of June\n# signed by Ada\n", "").replace("input = 2\n", "input = 2.5\n")
    change_entry(lake, entries(lake)[1], "")
    assert [one.kind for one in entries(lake)] == ["price", "price"]
    assert "# ---- what is cheaper" in book.read_text()


def test_an_entry_that_somebody_else_has_changed_is_left_alone(lake: Lake, book: Path):
    book.write_text(FILE)
    seen = entries(lake)[0]
    book.write_text(changed := FILE.replace("input = 2\n", "input = 7\n"))

    with pytest.raises(LakeChanged, match="changed by somebody else"):
        change_entry(lake, seen, "")
    assert book.read_text() == changed


def test_a_correction_that_would_break_the_file_is_not_made(lake: Lake, book: Path):
    book.write_text(FILE)

    with pytest.raises(BookProblem, match="it cannot be negative"):
        change_entry(lake, entries(lake)[0], '[[price]]\nmodel = "x"\ninput = -1')
    assert book.read_text() == FILE
