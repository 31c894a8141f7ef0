"""The cost equations of ANTNets (arXiv 1904.03775), as printed: of integers and of symbols."""

from collections.abc import Iterable
from fractions import Fraction


def eq1_separable_madds(h_o: int, w_o: int, c_i: int, c_o: int, k: int) -> int:
    """Return h_o * w_o * c_i * (k^2 + c_o), the MAdds of a separable convolution (ANTNets, Eq. 1).

    A k x k depthwise and a 1 x 1 pointwise convolution from c_i to c_o channels, without biases,
    on an output map of h_o x w_o.
    """
    return h_o * w_o * c_i * (k**2 + c_o)


def eq9_attention_madds(groups: Iterable[tuple[int, int, int]]) -> Fraction:
    """Return sum over s of (2 / r_s) * N_s * C_s^2, the MAdds of attention (ANTNets, Eq. 9).

    Each group of repeated blocks is (r, N, C): reduction ratio, number of blocks, and channels out
    of the depthwise convolution. Without biases the parameters are the same number. Exact where
    r divides C; elsewhere networks round C / r down and cost less.
    """
    return sum((Fraction(2) * n * c**2 / r for r, n, c in groups), Fraction(0))
