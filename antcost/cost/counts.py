"""What a layer costs, as exact integers that add up."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Cost:
    """Additive counts of one image's forward pass: layers sum to stages, stages to the network.

    `..._macs` are multiply-adds, `..._elems` elements of tensors; the rest are learned scalars.
    What is counted beside multiply-adds and parameters is what some tool or paper counts. Of a
    transposed convolution, extra multiply-adds are those that counting it once per output pixel
    adds, undivided ones those of counting that without groups, and redivided ones (negative) those
    of dividing by the groups twice. Folded parameters are those that batch norm loses when it
    becomes part of the layer before it.
    """

    conv_macs: int = 0
    linear_macs: int = 0
    weights: int = 0
    biases: int = 0
    norm_params: int = 0
    branch_weights: int = 0
    transposed_extra_macs: int = 0
    transposed_undivided_macs: int = 0
    transposed_redivided_macs: int = 0
    conv_out_elems: int = 0
    conv_bias_elems: int = 0
    linear_bias_elems: int = 0
    norm_elems: int = 0
    norm_params_folded: int = 0
    relu_elems: int = 0
    relu6_elems: int = 0
    leaky_relu_elems: int = 0
    elu_elems: int = 0
    gelu_elems: int = 0
    silu_elems: int = 0
    max_pool_in_elems: int = 0
    avg_pool_in_elems: int = 0
    avg_pool_out_elems: int = 0
    avg_pool_window_elems: int = 0
    global_pool_in_elems: int = 0
    global_pool_out_elems: int = 0
    pool_padding_elems: int = 0
    multiply_elems: int = 0

    @property
    def params(self) -> int:
        """Learnable scalars; running statistics of batch norm are none."""
        return self.weights + self.biases + self.norm_params + self.branch_weights


_values = attrgetter(*(field.name for field in fields(Cost)))


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of many costs, count by count."""
    return Cost(*map(sum, zip(*map(_values, costs), strict=True)))
