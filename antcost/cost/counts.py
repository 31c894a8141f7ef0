"""What a layer costs, as exact integers that add up."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Cost:
    """Additive counts of one image's forward pass: layers sum to stages, stages to the network."""

    conv_macs: int = 0
    linear_macs: int = 0
    weights: int = 0
    biases: int = 0
    norm_params: int = 0
    branch_weights: int = 0

    @property
    def params(self) -> int:
        """Learnable scalars; running statistics of batch norm are none."""
        return self.weights + self.biases + self.norm_params + self.branch_weights


_values = attrgetter(*(field.name for field in fields(Cost)))


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of many costs, count by count."""
    return Cost(*map(sum, zip(*map(_values, costs), strict=True)))
