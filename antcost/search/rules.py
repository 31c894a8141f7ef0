"""Rules over several stages, as what has to be remembered from stage to stage."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds of the values that one field has in several stages, by stage index.

    `equal`: all are the same; `non-decreasing`: none is below the one before; `spread`: the largest
    is at most `spread` above the smallest. `shared` if a choice is one for all of the stages.
    """

    path: str
    kind: Literal["equal", "non-decreasing", "spread"]
    fields: Mapping[int, str]
    spread: int = 0
    shared: bool = False

    def step(self, state: State, value: int) -> State | None:
        """Return what is remembered after the next value, or None if the rule forbids it.

        The state before the first value is ().
        """
        match self.kind:
            case "equal":
                return (value,) if not state or state[0] == value else None
            case "non-decreasing":
                return (value,) if not state or state[0] <= value else None
            case "spread":
                low, high = min(*state, value, value), max(*state, value, value)
                return (low, high) if high - low <= self.spread else None


def read_rule(text: str) -> tuple[Literal["equal", "non-decreasing", "spread"], int]:
    """Read "equal", "non-decreasing" or "spread <= 2". Raises ValueError."""
    match = re.fullmatch(r"spread\s*<=\s*(\d{1,4})", text.strip())
    if match:
        return "spread", int(match[1])
    if text.strip() == "equal":
        return "equal", 0
    if text.strip() == "non-decreasing":
        return "non-decreasing", 0
    raise ValueError(f"expected equal, non-decreasing or spread <= N, got {text!r:.60}")
