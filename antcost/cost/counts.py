"""What a layer costs, as exact integers that add up."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Additive counts of one image's forward pass: layers sum to stages, stages to the network."""

    conv_macs: int = 0
    linear_macs: int = 0
    weights: int = 0
    biases: int = 0
    norm_params: int = 0
    branch_weights: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def params(self) -> int:
        """Learnable scalars; running statistics of batch norm are none."""
        return self.weights + self.biases + self.norm_params + self.branch_weights
