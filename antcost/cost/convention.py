"""Conventions: which counts make the one number that a paper or a tool calls its cost."""

from dataclasses import dataclass, replace

from antcost.cost.counts import Cost
from antcost.errors import AntcostError, suggest


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` times the sum of some counts: "2 per normalised element"."""

    name: str
    factor: int
    counts: tuple[str, ...]

    def count(self, cost: Cost) -> int:
        """What the term adds for these counts."""
        counts: list[int] = [getattr(cost, name) for name in self.counts]
        return self.factor * sum(counts)


@dataclass(frozen=True, slots=True)
class Convention:
    """A way of counting: the sum of its terms.

    `label` heads the columns of tables; `versions` are those of the tool that the terms hold for.
    """

    name: str
    label: str
    definition: str
    terms: tuple[Term, ...]
    source: str
    versions: str = ""

    def count(self, cost: Cost) -> int:
        """The one number."""
        return sum(term.count(cost) for term in self.terms)


def madds(cost: Cost) -> int:
    """Multiply-adds of convolutions and linear layers, biases not counted."""
    return cost.conv_macs + cost.linear_macs


def flops(cost: Cost) -> int:
    """A multiply and an add counted as two operations."""
    return 2 * madds(cost)


_MACS = Term("multiply-adds", 1, ("conv_macs", "linear_macs"))
_BIASES = Term("biases", 1, ("conv_bias_elems", "linear_bias_elems"))
_LAYERS = "convolutions and linear layers"

_ALL = (
    Convention(
        "madds",
        "MAdds",
        f"1 MAdd = 1 multiply + 1 add; {_LAYERS}, biases not counted",
        (_MACS,),
        "MobileNetV2 (arXiv 1801.04381) and most papers on efficient networks",
    ),
    Convention(
        "flops",
        "FLOPs",
        f"2 FLOPs = 1 multiply + 1 add; {_LAYERS}, biases not counted",
        (replace(_MACS, factor=2),),
        "torch.utils.flop_counter.FlopCounterMode, torch 2.13.0",
    ),
    Convention(
        "fvcore",
        "fvcore",
        "multiply-adds, 2 per normalised element, inputs of global pooling",
        (
            _MACS,
            Term("batch norm (2 per element)", 2, ("norm_elems",)),
            Term("adaptive pooling inputs", 1, ("global_pool_in_elems",)),
        ),
        "fvcore.nn.FlopCountAnalysis",
        "0.1.5",
    ),
    Convention(
        "thop",
        "thop",
        "multiply-adds, 4 per normalised element, outputs of average pooling, inputs and outputs "
        "of global pooling",
        (
            _MACS,
            Term("batch norm (4 per element)", 4, ("norm_elems",)),
            Term("average pooling outputs", 1, ("avg_pool_out_elems",)),
            Term(
                "adaptive pooling inputs and outputs",
                1,
                ("global_pool_in_elems", "global_pool_out_elems"),
            ),
        ),
        "thop.profile",
        "0.1.1",
    ),
    Convention(
        "thop_0.0.31",
        "thop 0.0.31",
        "multiply-adds, biases of convolutions, 2 per normalised element, outputs of average "
        "pooling, inputs and outputs of global pooling",
        (
            _MACS,
            Term("biases of convolutions", 1, ("conv_bias_elems",)),
            Term("batch norm (2 per element)", 2, ("norm_elems",)),
            Term("average pooling outputs", 1, ("avg_pool_out_elems",)),
            Term(
                "adaptive pooling inputs and outputs",
                1,
                ("global_pool_in_elems", "global_pool_out_elems"),
            ),
        ),
        "thop.profile",
        "0.0.31",
    ),
    Convention(
        "ptflops",
        "ptflops",
        "multiply-adds, biases, 2 per normalised element, activations (ReLU, ELU and GELU twice), "
        "pooling inputs twice; functional pooling is counted once",
        (
            _MACS,
            _BIASES,
            Term("batch norm (2 per element)", 2, ("norm_elems",)),
            Term("ReLU, ELU, GELU (2 per element)", 2, ("relu_elems", "elu_elems", "gelu_elems")),
            Term(
                "ReLU6, leaky ReLU, SiLU",
                1,
                ("relu6_elems", "leaky_relu_elems", "silu_elems"),
            ),
            Term(
                "pooling inputs (2 per element)",
                2,
                ("max_pool_in_elems", "avg_pool_in_elems", "global_pool_in_elems"),
            ),
        ),
        "ptflops.get_model_complexity_info(backend='pytorch')",
        "0.7.5",
    ),
    Convention(
        "ptflops_aten",
        "ptflops (aten)",
        "multiply-adds and biases",
        (_MACS, _BIASES),
        "ptflops.get_model_complexity_info(backend='aten')",
        "0.7.5",
    ),
    Convention(
        "torchinfo",
        "torchinfo",
        "multiply-adds, biases, parameters of batch norm and branch weights once each",
        (_MACS, _BIASES, Term("other parameters", 1, ("norm_params", "branch_weights"))),
        "torchinfo.summary",
        "1.8.0",
    ),
    Convention(
        "fc_bias",
        "MAdds + FC bias",
        "multiply-adds and biases of linear layers",
        (_MACS, Term("biases of linear layers", 1, ("linear_bias_elems",))),
        "found in papers",
    ),
    Convention(
        "squeezenext",
        "SqueezeNext MACs",
        "multiply-adds and one per output element of a convolution",
        (_MACS, Term("convolution outputs", 1, ("conv_out_elems",))),
        "SqueezeNext (arXiv 1803.10615), the 708M of its 2.0-SqNxt-23v5",
    ),
    Convention(
        "condensenet",
        "CondenseNet FLOPs",
        "multiply-adds, ReLU inputs, the window of each average-pool output, biases of linear "
        "layers",
        (
            _MACS,
            Term("ReLU inputs", 1, ("relu_elems",)),
            Term("average-pool windows", 1, ("avg_pool_window_elems", "global_pool_in_elems")),
            Term("biases of linear layers", 1, ("linear_bias_elems",)),
        ),
        "CondenseNet (arXiv 1711.09224), the 529M and 274M of its authors' script",
    ),
)
CONVENTIONS = {convention.name: convention for convention in _ALL}


def find_convention(name: str) -> Convention:
    """The convention of this name. Raises AntcostError with the nearest name if there is none."""
    if name not in CONVENTIONS:
        raise AntcostError(f"no convention {name!r}; {suggest(name, CONVENTIONS)}")
    return CONVENTIONS[name]


def shown_with(convention: Convention) -> list[Convention]:
    """MAdds, FLOPs and the one that was asked for: what files always hold."""
    names = dict.fromkeys(("madds", "flops", convention.name))
    return [CONVENTIONS[name] for name in names]
