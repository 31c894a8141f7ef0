"""How a number is read ("3.4M") and how it is printed. All rounding happens here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Rational

COUNT_UNITS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
TIME_UNITS = {"us": Fraction(1, 10**6), "ms": Fraction(1, 10**3), "s": Fraction(1)}
BYTE_UNITS = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
PS_PER_NS, PS_PER_S, NS_PER_US, NS_PER_S = 10**3, 10**12, 10**3, 10**9

_PREFIXES = ("", *"kMGTPEZYRQ")
_BINARY = (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")
_TIMES = (" ps", " ns", " us", " ms", " s")
_QUANTITY = re.compile(r"(?P<number>\d{1,30}(?:\.\d{1,30})?)\s*(?P<unit>[A-Za-z]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Printed:
    """A published figure: its value, and the text it was printed as, which carries its rounding.

    `step` is one in its last digit: 100_000 for "3.4M". Half a step rounds up.
    """

    text: str
    value: Fraction
    step: Fraction

    def __str__(self) -> str:
        return self.text

    def rounds(self, count: int) -> bool:
        """Return whether the count rounds to what was printed: for "3.4M", 3_350_000 to
        3_449_999.
        """
        return -self.step <= 2 * (count - self.value) < self.step

    def truncates(self, count: int) -> bool:
        """Return whether it is the count without its later digits: for "3.4M", 3_400_000 to
        3_499_999.
        """
        return 0 <= count - self.value < self.step

    def miss(self, count: int) -> Fraction:
        """Return how far the count is outside of what rounds to this, relative to the bound it
        misses.
        """
        if self.rounds(count):
            return Fraction(0)
        side = 1 if count > self.value else -1
        return count / (self.value + side * self.step / 2) - 1


def read_printed(text: str, units: Mapping[str, Rational]) -> Printed:
    """Read a figure such as "3.4M", "1.21 s" or "14 MB" exactly.

    Raises ValueError if the text is no non-negative number followed by one of `units`.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if not match or match["unit"] not in units:
        raise ValueError(text)
    unit = Fraction(units[match["unit"]])
    decimals = len(match["number"].partition(".")[2])
    return Printed(text.strip(), Fraction(match["number"]) * unit, unit / 10**decimals)


def format_count(count: int) -> str:
    """Print a count with three significant digits: 300_774_272 is "301M"."""
    return ("-" if count < 0 else "") + _three_digits(abs(count), 1000, _PREFIXES)


def format_exact(count: int) -> str:
    """Print every digit: 300_774_272 is "300,774,272"."""
    return f"{count:,}"


def format_bytes(count: int) -> str:
    """Print bytes with three significant digits in binary units: 4_816_896 is "4.59 MiB"."""
    return _three_digits(count, 1024, _BINARY)


def format_time(picoseconds: int) -> str:
    """Print a time with three significant digits: 8_410_000_000 ps is "8.41 ms"."""
    return _three_digits(picoseconds, 1000, _TIMES)


def format_score(value: float) -> str:
    """Print a number of no unit with seven significant digits: 12336.6297 is "12,336.63"."""
    return f"{value:,.7g}"


def format_size(count: int) -> str:
    """Print how many there are: 1,234,567, but from a billion on 6.69e+15."""
    return f"{count:,}" if count < 10**9 else f"{Decimal(count):.2e}"


def _three_digits(count: int, base: int, prefixes: Sequence[str]) -> str:
    """Round half up to three digits, in the largest unit that leaves at least 1."""
    unit, power = 1, 0
    while _half_up(count, unit) >= base and power < len(prefixes) - 1:
        unit, power = unit * base, power + 1
    for decimals in (2, 1, 0) if power else (0,):
        digits = _half_up(count * 10**decimals, unit)
        if digits < 1000:
            break
    whole, rest = divmod(digits, 10**decimals)
    return f"{whole}{f'.{rest:0{decimals}}' if decimals else ''}{prefixes[power]}"


def _half_up(count: int, unit: int) -> int:
    return (2 * count + unit) // (2 * unit)


def format_percent(share: Fraction) -> str:
    """Print a share of a whole in percent, without the sign: 0.0512 is "5.1"."""
    return f"{float(share * 100):.1f}"


def format_change(ratio: Fraction) -> str:
    """Print a relative difference with its sign: -0.0512 is "-5.1 %"."""
    tenths = _half_up(1000 * abs(ratio.numerator), ratio.denominator)
    sign = "" if tenths == 0 else "+" if ratio > 0 else "-"
    return f"{sign}{tenths // 10}.{tenths % 10} %"


def format_margin(share: float) -> str:
    """Print how far something may be off: 0.0251 is "±2.5 %", 0.251 is "±25 %"."""
    percent = 100 * share
    return f"±{percent:.0f} %" if percent >= 10 else f"±{percent:.2g} %"


def format_factor(ratio: Fraction) -> str:
    """Print a factor with two decimals, or with two digits if it is small: "1.13x", "0.097x"."""
    factor = float(ratio)
    return f"{factor:#.2g}x" if 0 < factor < 0.1 else f"{factor:.2f}x"


def format_ratio(ratio: Fraction) -> str:
    """Print a plain number with one decimal: 12.34 is "12.3"."""
    return f"{float(ratio):.1f}"


def format_accuracy(percent: float) -> str:
    """Print an accuracy with the digits it was given, at least one decimal: 67.44, 88.0."""
    return f"{percent:.1f}" if round(percent, 1) == percent else f"{percent:g}"


def plain_number(value: Fraction) -> int | float:
    """Return the value for files: an integer if it is one."""
    return int(value) if value.denominator == 1 else float(value)


def plural(count: int, what: str) -> str:
    """Print how many of something there are: "1 run", "12 runs"."""
    return f"{count} {what}{'' if count == 1 else 's'}"
