"""The budget that only a search knows: rho, depth over width, of DeepMAD (arXiv 2303.02165)."""

import re
from math import isfinite

RHO = "rho"


def read_rho(text: str) -> float:
    """Read "<= 1.0" or "1.0". Raises ValueError."""
    match = re.fullmatch(r"\s*(?:<=)?\s*(\d+(?:\.\d+)?)\s*", text)
    if not match or not isfinite(float(match[1])) or float(match[1]) == 0:
        raise ValueError(f"expected such as <= 1.0, got {text!r:.60}")
    return float(match[1])
