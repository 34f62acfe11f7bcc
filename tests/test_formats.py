from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views import instant
from usagecost.vocabulary import formats
from usagecost.vocabulary.formats import UNKNOWN, Number


def said(format: Callable[[Number | None], str], number: Number | None) -> str:  # noqa: A002
    """The text with plain spaces, which are easier to read here."""
    return format(number).replace("\u00a0", " ")


@pytest.mark.parametrize(("number", "text"), [(0, "0 lines"), (1, "1 line"), (12_345, "12,345 lines")])
def test_one_is_no_plural(number: int, text: str):
    assert formats.counted(number, "line") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0K"),
        (12_345, "12.3K"),
        (123_456, "123K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (999_950, "1.00M"),
        (9_994_999, "9.99M"),
        (9_995_000, "10.0M"),
        (12_400_000, "12.4M"),
        (99_949_999, "99.9M"),
        (99_950_000, "100M"),
        (999_600_000, "1.00B"),
        (2_500_000_000_000, "2.50T"),
        (-12_400_000, "−12.4M"),
        (None, "–"),
    ],
)
def test_a_count_has_all_its_digits_or_the_three_that_matter(number: int | None, text: str):
    assert said(formats.count, number) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("1234.56", "$1,234.56"),
        ("0.01", "$0.01"),
        ("0.0042", "$0.0042"),
        ("0.005", "$0.005"),
        ("0.0075", "$0.0075"),
        ("0.00996", "$0.01"),
        ("0.00004212", "$0.000042"),
        ("0.000000001", "$0.000000001"),
        ("999999.99", "$999,999.99"),
        ("999999.996", "$1.00M"),
        ("1230000", "$1.23M"),
        ("-5", "−$5.00"),
        ("-0.0042", "−$0.0042"),
    ],
)
def test_an_amount_is_dollars_and_cents_or_two_digits_that_matter(amount: str, text: str):
    assert said(formats.usd, Decimal(amount)) == text
    assert said(formats.usd, float(amount)) == text


@given(st.decimals("0.000000001", "1000000000", places=9))
def test_an_amount_that_is_not_zero_never_reads_as_zero(amount: Decimal):
    assert any(digit in said(formats.usd, amount) for digit in "123456789")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0%"),
        (0.0004, "<0.1%"),
        (0.001, "0.1%"),
        (0.987, "98.7%"),
        (0.999, "99.9%"),
        (0.99996, ">99.9%"),
        (1, "100.0%"),
        (Decimal("0.031"), "3.1%"),
        (9.9994, "999.9%"),
        (9.9996, "1,000%"),
        (Decimal("12.345"), "1,234%"),
        (None, "–"),
    ],
)
def test_a_share_that_is_not_quite_all_or_nothing_never_reads_as_if_it_were(share: Number | None, text: str):
    assert said(formats.percent, share) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0, "0 ms"),
        (840, "840 ms"),
        (999.4, "999 ms"),
        (999.5, "1.0 s"),
        (2_300, "2.3 s"),
        (59_940, "59.9 s"),
        (59_960, "1:00 min"),
        (119_600, "2:00 min"),
        (125_000, "2:05 min"),
        (None, "–"),
    ],
)
def test_a_duration_is_milliseconds_seconds_or_minutes(duration: float | None, text: str):
    assert said(formats.milliseconds, duration) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "+12.0%"),
        (Decimal("0.5"), Decimal("1"), "−50.0%"),
        (100, 100, "0.0%"),
        (10_001, 10_000, "0.0%"),
        (12_345, 1_000, "+1,134%"),
        (5, 0, None),
        (5, None, None),
        (None, 5, None),
        (0, 5, "−100.0%"),
    ],
)
def test_a_change_is_in_percent_of_what_was(now: Number | None, before: Number | None, text: str | None):
    change = formats.change(now, before)

    assert (change and change.replace("\u00a0", " ")) == text


def test_a_share_changes_by_points():
    assert formats.points(0.984, 0.98) == "+0.4\u00a0pp"
    assert formats.points(0.98, 0.984) == "−0.4\u00a0pp"
    assert formats.points(0.5, 0) == "+50.0\u00a0pp"
    assert formats.points(0.98, None) is None


@pytest.mark.parametrize("format", [formats.count, formats.exact_count, formats.usd, formats.percent, formats.milliseconds])
def test_what_is_unknown_is_a_dash(format: Callable[[None], str]):  # noqa: A002
    assert format(None) == UNKNOWN


def test_a_number_is_never_torn_from_its_unit():
    texts = [formats.count(12_400_000), formats.percent(0.987), formats.milliseconds(840), formats.change(2, 1)]

    assert not any(" " in str(text) for text in texts)


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-05-01 11:59:30", "just now"),
        ("2026-05-01 12:00:30", "just now"),
        ("2026-05-01 11:56", "4 min ago"),
        ("2026-05-01 09:00", "3 h ago"),
        ("2026-04-29 12:01", "47 h ago"),
        ("2026-04-29 12:00", "2 days ago"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(then: str, text: str):
    assert formats.age(instant(then), instant("2026-05-01 12:00")).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("amount", "margin", "text"),
    [
        (812.4, 39.7, "$812 ± 40"),
        (8.123, 0.4, "$8.12 ± 0.40"),
        (12_345.6, 0, "$12,346 ± 0"),
        (1_234_567, 45_678, "$1.23M ± 45.7K"),
        (0, 0, "$0.00 ± 0.00"),
    ],
)
def test_an_estimate_is_written_with_its_margin(amount: float, margin: float, text: str):
    assert formats.around(amount, margin).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.5", "$0.50"),
        ("15", "$15.00"),
        ("0.075", "$0.075"),
        ("0.00015", "$0.00015"),
        ("1234.5", "$1,234.50"),
        ("0.1234567", "$0.123457"),
        ("2000000", "$2,000,000.00"),
        ("0", "$0.00"),
    ],
)
def test_a_rate_has_cents_and_what_digits_it_has_beyond_them(amount: str, text: str):
    assert said(formats.rate, Decimal(amount)) == text
    assert said(formats.rate, float(amount)) == text
