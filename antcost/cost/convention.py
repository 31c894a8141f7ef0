"""Conventions: which counts make the one number that a paper or a tool calls its cost."""

from dataclasses import dataclass, replace

from antcost.cost.counts import Cost
from antcost.errors import AntcostError, suggest


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` times the sum of some counts: "2 per normalised element".

    `fault` says why a tool counts so where it cannot be meant. `outside` terms are part of what a
    tool reports of a network, but of none of its layers.
    """

    name: str
    factor: int
    counts: tuple[str, ...]
    fault: str = ""
    outside: bool = False

    def count(self, cost: Cost) -> int:
        """Return what the term adds for these counts."""
        counts: list[int] = [getattr(cost, name) for name in self.counts]
        return self.factor * sum(counts)


_EVERY_PARAM = (Term("parameters", 1, ("weights", "biases", "norm_params", "branch_weights")),)


@dataclass(frozen=True, slots=True)
class Convention:
    """A way of counting: the sum of its terms, and that of `param_terms` for parameters.

    `label` heads the columns of tables. `tool` is the one that counts so, and `versions` are those
    of its releases that were asked (PEP 440).
    """

    name: str
    label: str
    definition: str
    terms: tuple[Term, ...]
    source: str
    tool: str = ""
    versions: str = ""
    param_terms: tuple[Term, ...] = _EVERY_PARAM

    def count(self, cost: Cost) -> int:
        """Return the one number."""
        return sum(term.count(cost) for term in self.terms)

    @property
    def params_key(self) -> str:
        """Return what its parameters are called: "params", unless they are counted in another
        way.
        """
        return "params" if self.param_terms == _EVERY_PARAM else f"{self.name}_params"

    def count_params(self, cost: Cost) -> int:
        """Count learned scalars as this convention does."""
        return sum(term.count(cost) for term in self.param_terms)


def madds(cost: Cost) -> int:
    """Return the multiply-adds of convolutions and linear layers, biases not counted."""
    return cost.conv_macs + cost.linear_macs


def flops(cost: Cost) -> int:
    """Return a multiply and an add counted as two operations."""
    return 2 * madds(cost)


_MACS = Term("multiply-adds", 1, ("conv_macs", "linear_macs"))
_BIASES = Term("biases", 1, ("conv_bias_elems", "linear_bias_elems"))
_NORM_2 = Term("batch norm (2 per element)", 2, ("norm_elems",))
_AVG_POOL_OUT = Term("average pooling outputs", 1, ("avg_pool_out_elems",))
_GLOBAL_POOL_IN_OUT = Term(
    "adaptive pooling inputs and outputs", 1, ("global_pool_in_elems", "global_pool_out_elems")
)
_TRANSPOSED = Term(
    "transposed convolutions over outputs",
    1,
    ("transposed_extra_macs",),
    "counts a transposed convolution once per output pixel; it multiplies once per input pixel",
)
_LAYERS = "convolutions and linear layers"
_THOP_PARAMS = (
    *_EVERY_PARAM,
    Term(
        "branch weights",
        -1,
        ("branch_weights",),
        "misses the parameters of modules that it has no rule for: the branch weights",
    ),
)
_POOL_INPUTS = (
    "max_pool_in_elems",
    "avg_pool_in_elems",
    "global_pool_in_elems",
    "pool_padding_elems",
)
_CALLED = ("relu_elems", "elu_elems", "gelu_elems")
_PTFLOPS_TERMS = (
    _MACS,
    _BIASES,
    _NORM_2,
    Term("activations", 1, (*_CALLED, "relu6_elems", "leaky_relu_elems")),
    Term("pooling inputs", 1, _POOL_INPUTS),
    Term("SiLU, as a function", 1, ("silu_elems",), outside=True),
    Term(
        "ReLU, ELU, GELU again",
        1,
        _CALLED,
        "counts these activations twice: as modules, and as the functions that the modules call",
        outside=True,
    ),
    Term(
        "pooling inputs again",
        1,
        _POOL_INPUTS,
        "counts pooling twice: as a module, and as the function that the module calls",
        outside=True,
    ),
)

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
        (_MACS, replace(_MACS, name="additions, counted apart")),
        "torch.utils.flop_counter.FlopCounterMode",
        "torch",
        "==2.13.*",
    ),
    Convention(
        "fvcore",
        "fvcore",
        "multiply-adds, 2 per normalised element, inputs of global pooling",
        (_MACS, _NORM_2, Term("adaptive pooling inputs", 1, ("global_pool_in_elems",))),
        "fvcore.nn.FlopCountAnalysis",
        "fvcore",
        "==0.1.5.*",
    ),
    Convention(
        "thop",
        "thop",
        "multiply-adds, 4 per normalised element, outputs of average pooling, inputs and outputs "
        "of global pooling, transposed convolutions by their outputs; parameters but those of "
        "branch weights, whose module it does not know",
        (
            _MACS,
            Term("batch norm (4 per element)", 4, ("norm_elems",)),
            _AVG_POOL_OUT,
            _GLOBAL_POOL_IN_OUT,
            _TRANSPOSED,
        ),
        "thop.profile",
        "thop",
        ">=0.1.0,<=0.1.1.post2209072238",
        _THOP_PARAMS,
    ),
    Convention(
        "thop_0.0.31",
        "thop 0.0.31",
        "multiply-adds, biases of convolutions, 2 per normalised element, leaky ReLU, outputs of "
        "average pooling, inputs and outputs of global pooling, transposed convolutions by their "
        "outputs; parameters as thop",
        (
            _MACS,
            Term("biases of convolutions", 1, ("conv_bias_elems",)),
            _NORM_2,
            Term("leaky ReLU", 1, ("leaky_relu_elems",)),
            _AVG_POOL_OUT,
            _GLOBAL_POOL_IN_OUT,
            _TRANSPOSED,
        ),
        "thop.profile",
        "thop",
        "==0.0.31.*",
        _THOP_PARAMS,
    ),
    Convention(
        "ptflops",
        "ptflops",
        "multiply-adds, biases, 2 per normalised element, activations (ReLU, ELU and GELU twice), "
        "pooling inputs twice; functional pooling is counted once",
        _PTFLOPS_TERMS,
        "ptflops.get_model_complexity_info(backend='pytorch')",
        "ptflops",
        "==0.7.5",
    ),
    Convention(
        "ptflops_0.7.4",
        "ptflops 0.7.4",
        "as ptflops, but transposed convolutions by their outputs",
        (*_PTFLOPS_TERMS, _TRANSPOSED),
        "ptflops.get_model_complexity_info(backend='pytorch')",
        "ptflops",
        ">=0.7.1.2,!=0.7.2,!=0.7.2.1,<0.7.5",
    ),
    Convention(
        "ptflops_aten",
        "ptflops (aten)",
        "multiply-adds and biases",
        (_MACS, _BIASES),
        "ptflops.get_model_complexity_info(backend='aten')",
        "ptflops_aten",
        ">=0.7.3,<=0.7.5",
    ),
    Convention(
        "torchinfo",
        "torchinfo",
        "multiply-adds, biases, parameters of batch norm and branch weights once each, transposed "
        "convolutions by their outputs",
        (
            _MACS,
            _BIASES,
            Term("other parameters", 1, ("norm_params", "branch_weights")),
            _TRANSPOSED,
        ),
        "torchinfo.summary",
        "torchinfo",
        ">=1.7.2,<=1.8.0",
    ),
    Convention(
        "calflops",
        "calflops",
        "multiply-adds: the MACs it reports, not its FLOPs",
        (
            _MACS,
            Term(
                "groups of transposed convolutions, again",
                1,
                ("transposed_redivided_macs",),
                "divides a transposed convolution by its groups twice",
            ),
        ),
        "calflops.calculate_flops",
        "calflops",
        "==0.3.2",
    ),
    Convention(
        "torchprofile",
        "torchprofile",
        "multiply-adds, 1 per normalised element, outputs of average and global pooling, of leaky "
        "ReLU and of products, transposed convolutions by their outputs",
        (
            _MACS,
            Term("batch norm", 1, ("norm_elems",)),
            Term("pooling outputs", 1, ("avg_pool_out_elems", "global_pool_out_elems")),
            Term("leaky ReLU", 1, ("leaky_relu_elems",)),
            Term("element-wise products", 1, ("multiply_elems",)),
            _TRANSPOSED,
            Term(
                "transposed convolutions without groups",
                1,
                ("transposed_undivided_macs",),
                "does not divide a transposed convolution by its groups where channels change",
            ),
        ),
        "torchprofile.profile_macs",
        "torchprofile",
        ">=0.0.4,<=0.1.0",
    ),
    Convention(
        "bn_folded",
        "MAdds (BN folded)",
        f"1 MAdd = 1 multiply + 1 add; {_LAYERS}, biases not counted; parameters with each batch "
        "norm folded into the layer before it",
        (_MACS,),
        "networks as they are deployed",
        param_terms=(*_EVERY_PARAM, Term("folded batch norm", -1, ("norm_params_folded",))),
    ),
    Convention(
        "no_bn",
        "MAdds (no BN)",
        f"1 MAdd = 1 multiply + 1 add; {_LAYERS}, biases not counted; parameters without those of "
        "batch norm",
        (_MACS,),
        "tensorflow/models research/slim: 3.47M for MobileNetV2, 6.06M for its width 1.4",
        param_terms=(*_EVERY_PARAM, Term("batch norm", -1, ("norm_params",))),
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
    """Return the convention of this name. Raises AntcostError with the nearest name if there is
    none.
    """
    if name not in CONVENTIONS:
        raise AntcostError(f"no convention {name!r}; {suggest(name, CONVENTIONS)}")
    return CONVENTIONS[name]


def shown_with(convention: Convention) -> list[Convention]:
    """Return MAdds, FLOPs and the one that was asked for: what files always hold."""
    names = dict.fromkeys(("madds", "flops", convention.name))
    return [CONVENTIONS[name] for name in names]
