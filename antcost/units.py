"""How a number is read ("3.4M") and how it is printed. All rounding happens here."""

import re
from collections.abc import Mapping
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

_PREFIXES = " kMGTPEZYRQ"
_QUANTITY = re.compile(r"(?P<number>\d{1,30}(?:\.\d{1,30})?)\s*(?P<unit>[A-Za-z]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Printed:
    """A published figure: its value, and the text it was printed as, which carries its rounding."""

    text: str
    value: Fraction

    def __str__(self) -> str:
        return self.text


def read_printed(text: str, units: Mapping[str, Rational]) -> Printed:
    """Read a figure such as "3.4M", "1.21 s" or "14 MB" exactly.

    Raises ValueError if the text is no non-negative number followed by one of `units`.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if not match or match["unit"] not in units:
        raise ValueError(text)
    return Printed(text.strip(), Fraction(match["number"]) * Fraction(units[match["unit"]]))


def format_count(count: int) -> str:
    """Print a count with three significant digits: 300_774_272 is "301M"."""
    if abs(count) < 1000:
        return str(count)
    rounded = round(count, 3 - len(str(abs(count))))
    thousands, leading = divmod(len(str(abs(rounded))) - 1, 3)
    if thousands >= len(_PREFIXES):
        return f"{Decimal(rounded):.2e}"
    return f"{Decimal(rounded).scaleb(-3 * thousands):.{2 - leading}f}{_PREFIXES[thousands]}"


def format_exact(count: int) -> str:
    """Print every digit: 300_774_272 is "300,774,272"."""
    return f"{count:,}"


def format_bytes(count: int) -> str:
    """Print bytes with three significant digits in binary units: 4_816_896 is "4.59 MiB"."""
    unit, size = "B", Fraction(count)
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if abs(size) < 1024:
            break
        unit, size = larger, size / 1024
    if unit == "B":
        return f"{count} B"
    decimals = max(0, 3 - len(str(abs(int(size)))))
    return f"{float(size):.{decimals}f} {unit}"


def format_percent(share: Fraction) -> str:
    """Print a share of a whole in percent, without the sign: 0.0512 is "5.1"."""
    return f"{float(share * 100):.1f}"


def format_change(ratio: Fraction) -> str:
    """Print a relative difference with its sign: -0.0512 is "-5.1 %"."""
    return f"{float(ratio * 100):+.1f} %"


def format_times(ratio: Fraction) -> str:
    """Print a factor: 1.126 is "1.13x"."""
    return f"{float(ratio):.2f}x"


def format_ratio(ratio: Fraction) -> str:
    """Print a plain number with one decimal: 12.34 is "12.3"."""
    return f"{float(ratio):.1f}"
