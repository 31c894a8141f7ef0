import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antcost import units


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (3_504_872, "3.50M"),
        (300_774_272, "301M"),
        (300_500_000, "301M"),
        (301_500_000, "302M"),
        (9_995, "10.0k"),
        (999_499, "999k"),
        (999_501, "1.00M"),
        (-55_800_000, "-55.8M"),
        (10**12, "1.00T"),
        (10**40, "10000000000Q"),
    ],
)
def test_counts_have_three_digits(count: int, text: str) -> None:
    assert units.format_count(count) == text


@given(st.integers(min_value=1000, max_value=10**29))
def test_a_printed_count_is_off_by_at_most_half_of_its_last_digit(count: int) -> None:
    text = units.format_count(count)
    prefixes = {"k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24, "R": 27}
    unit = 10 ** prefixes[text[-1]]
    decimals = len(text[:-1].partition(".")[2])
    assert abs(Fraction(text[:-1]) * unit - count) <= Fraction(unit, 2 * 10**decimals)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (4_816_896, "4.59 MiB"),
        (200 * 2**20, "200 MiB"),
        (1000 * 2**10, "1000 KiB"),
        (2**20 - 1, "1.00 MiB"),
        (10_239, "10.0 KiB"),
        (102_390, "100 KiB"),
        (3 * 2**70, "3072 EiB"),
    ],
)
def test_bytes_are_printed_in_binary_units(count: int, text: str) -> None:
    assert units.format_bytes(count) == text


@pytest.mark.parametrize(
    ("text", "known", "value"),
    [
        ("3.4M", units.COUNT_UNITS, 3_400_000),
        ("300", units.COUNT_UNITS, 300),
        ("1.21 s", units.TIME_UNITS, Fraction(121, 100)),
        ("157.7ms", units.TIME_UNITS, Fraction(1577, 10_000)),
        ("14 MB", units.BYTE_UNITS, 14_000_000),
        ("4 MiB", units.BYTE_UNITS, 4 * 2**20),
    ],
)
def test_published_figures_are_read_exactly(text: str, known: dict, value: Fraction) -> None:
    figure = units.read_printed(text, known)
    assert figure.value == value
    assert str(figure) == text


@pytest.mark.parametrize("text", ["", "M", "3,4M", "-3M", "3.4 MB", "1e9", "3..4", "٣"])
def test_other_figures_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        units.read_printed(text, units.COUNT_UNITS)


def test_ratios() -> None:
    assert units.format_percent(Fraction(1, 8)) == "12.5"
    assert units.format_change(Fraction(-1, 8)) == "-12.5 %"
    assert units.format_change(Fraction(1, 8)) == "+12.5 %"
    assert units.format_change(Fraction(-1, 10_000)) == "0.0 %"
    assert units.format_change(Fraction(5, 10_000)) == "+0.1 %"
    assert units.format_factor(Fraction(9, 8)) == "1.12x"
    assert units.format_factor(Fraction(97, 1000)) == "0.097x"
    assert units.format_factor(Fraction(1, 1000)) == "0.0010x"
    assert units.format_factor(Fraction(0)) == "0.00x"
    assert units.format_ratio(Fraction(9, 8)) == "1.1"
    assert units.format_margin(0.0251) == "±2.5 %"
    assert units.format_margin(0.02) == "±2 %"
    assert units.format_margin(0.251) == "±25 %"
    assert units.format_margin(51) == "±5100 %"
