"""What each block emits, and what its fields change."""

from fractions import Fraction
from typing import Any

import pytest
from conftest import network

import antcost
from antcost.cost.analysis import NetCost
from antcost.errors import SpecError
from antcost.graph.layers import Activation, Add, Conv2d, Dropout, Linear, SliceChannels
from antcost.sources.specs.width import make_divisible

ANT = {"block": "ant", "expansion": 6, "reduction": 4, "channels": 16}


def names(cost: NetCost) -> list[str]:
    return [node.name.removeprefix("s0.") for node in cost.graph.nodes]


def analyze(stage: dict[str, Any], input_shape: tuple[int, ...] = (16, 8, 8)) -> NetCost:
    return antcost.analyze(network(stage, input_shape=input_shape))


ATTENTION = ["pool", "flatten", "reduce", "relu", "restore", "sigmoid", "multiply"]
ATTENTION_LAYERS = [f"attention.{name}" for name in ATTENTION]
EXPAND = ["expand.conv", "expand.bn", "expand.act"]
DEPTHWISE = ["depthwise.conv", "depthwise.bn", "depthwise.act"]
PROJECT = ["project.conv", "project.bn"]


@pytest.mark.parametrize(
    ("attention", "expected"),
    [
        ("after_depthwise", [*EXPAND, *DEPTHWISE, *ATTENTION_LAYERS, *PROJECT, "add"]),
        ("before_expansion", [*ATTENTION_LAYERS, *EXPAND, *DEPTHWISE, *PROJECT, "add"]),
        ("after_projection", [*EXPAND, *DEPTHWISE, *PROJECT, *ATTENTION_LAYERS, "add"]),
        ("none", [*EXPAND, *DEPTHWISE, *PROJECT, "add"]),
    ],
)
def test_ant_puts_its_attention_where_it_is_told(attention: str, expected: list[str]) -> None:
    assert names(analyze(ANT | {"attention": attention})) == expected


@pytest.mark.parametrize(
    ("attention", "width"),
    [("after_depthwise", 96), ("before_expansion", 16), ("after_projection", 24)],
)
def test_attention_costs_what_its_width_says(attention: str, width: int) -> None:
    stage = ANT | {"channels": 24}
    added = (
        analyze(stage | {"attention": attention}).madds
        - analyze(stage | {"attention": "none"}).madds
    )
    assert added == 2 * width * (width // 4)


def test_attention_rounds_its_width_down_and_has_biases_only_if_told() -> None:
    stage = ANT | {"reduction": 5}
    plain, biased = analyze(stage), analyze(stage | {"attention_bias": True})
    hidden = 96 // 5
    assert plain.whole.cost.linear_macs == 2 * 96 * hidden
    assert plain.whole.cost.biases == 0
    assert biased.whole.cost.biases == hidden + 96
    assert biased.madds == plain.madds


def test_ant_keeps_its_expansion_at_1_and_mobilenet_v2_does_not() -> None:
    assert names(analyze(ANT | {"expansion": 1, "attention": "none"})) == [
        *EXPAND,
        *DEPTHWISE,
        *PROJECT,
        "add",
    ]
    mobile = {"block": "inverted_residual", "expansion": 1, "channels": 16}
    without = ANT | {"expansion": None, "attention": "none"}
    assert names(analyze(mobile)) == names(analyze(without)) == [*DEPTHWISE, *PROJECT, "add"]


def test_ant_without_attention_is_the_block_of_mobilenet_v2() -> None:
    """ "MobileNetV2 can be viewed as a special case" (ANTNets, section 3)."""
    shared = {"expansion": 6, "channels": 24, "stride": 2, "repeat": 3}
    ant = analyze({"block": "ant", "reduction": None, **shared})
    mobile = analyze({"block": "inverted_residual", **shared})
    assert [(n.layer, n.inputs, n.shape) for n in ant.graph.nodes] == [
        (n.layer, n.inputs, n.shape) for n in mobile.graph.nodes
    ]


@pytest.mark.parametrize(
    ("fields", "has_residual"),
    [({}, True), ({"stride": 2}, False), ({"stride": [1, 1]}, True), ({"channels": 24}, False)],
)
def test_a_residual_needs_stride_1_and_equal_channels(
    fields: dict[str, Any], has_residual: bool
) -> None:
    cost = analyze(ANT | fields)
    assert any(isinstance(node.layer, Add) for node in cost.graph.nodes) == has_residual


def test_a_strided_block_has_no_residual_even_where_the_map_cannot_shrink() -> None:
    cost = analyze(ANT | {"stride": 2}, input_shape=(16, 1, 1))
    assert cost.graph.output.dims == (16, 1, 1)
    assert not any(isinstance(node.layer, Add) for node in cost.graph.nodes)


def test_groups_divide_the_projection_only() -> None:
    one, two = analyze(ANT), analyze(ANT | {"groups": 2})
    assert one.madds - two.madds == 96 * 16 * 8 * 8 // 2
    assert one.params - two.params == 96 * 16 // 2


def test_only_the_first_block_of_a_stage_strides() -> None:
    cost = antcost.analyze(network(ANT | {"stride": 2, "repeat": 3}, input_shape=(16, 8, 8)))
    strides = [n.layer.stride for n in cost.graph.nodes if n.name.endswith("depthwise.conv")]
    assert strides == [(2, 2), (1, 1), (1, 1)]
    assert [row.name for row in cost.by("block")] == ["s0.0", "s0.1", "s0.2"]


def test_attention_needs_a_reduction_where_a_place_is_asked_for() -> None:
    """Without a reduction there is none, but a place without a reduction is a mistake."""
    for block in ("ant", "inverted_residual"):
        stage = {"block": block, "expansion": 6, "channels": 16}
        plain = analyze(stage | {"reduction": None})
        assert not any("attention" in name for name in names(plain))
        assert names(analyze(stage | {"attention": "none", "reduction": 4})) == names(plain)
        assert names(analyze(stage | {"reduction": 4})) == names(
            analyze(stage | {"reduction": 4, "attention": "after_depthwise"})
        )
        with pytest.raises(SpecError, match=r"stages\[0\].reduction: attention=after_projection"):
            analyze(stage | {"attention": "after_projection"})


def test_mbconv_squeezes_to_a_fraction_of_its_input() -> None:
    """EfficientNet and MnasNet; the biases are those of the attention."""
    stage = {"block": "mbconv", "expansion": 6, "channels": 16}
    cost = analyze(stage)
    assert names(cost) == [
        *(*EXPAND, *DEPTHWISE),
        *(name.replace("relu", "silu") for name in ATTENTION_LAYERS),
        *(*PROJECT, "add"),
    ]
    assert cost.whole.cost.linear_macs == 2 * 96 * (16 // 4)
    assert cost.whole.cost.biases == 96 + 4
    plain = analyze(stage | {"expansion": 1, "reduction": None})
    assert names(plain) == [*DEPTHWISE, *PROJECT, "add"]
    with pytest.raises(SpecError, match="reduction=17 leaves none of 16 channels"):
        analyze(stage | {"reduction": 17})


def test_mobilenet_v3_has_the_widths_of_its_row() -> None:
    stage = {"block": "mobilenet_v3", "hidden": 40, "channels": 24, "squeeze": 16, "stride": 2}
    cost = analyze(stage | {"activation": "hardswish"})
    assert names(cost) == [
        *(*EXPAND, *DEPTHWISE),
        *(name.replace("sigmoid", "hardsigmoid") for name in ATTENTION_LAYERS),
        *PROJECT,
    ]
    assert cost.whole.cost.linear_macs == 2 * 40 * 16
    assert cost.whole.cost.biases == 40 + 16
    assert cost.whole.cost.conv_macs == 16 * 40 * 64 + (9 * 40 + 40 * 24) * 16
    kept = analyze({"block": "mobilenet_v3", "hidden": None, "channels": 16})
    assert names(kept) == [*DEPTHWISE, *PROJECT, "add"]


def test_e_ant_sums_complete_branches_and_counts_their_weights() -> None:
    """ANTNets, Eq. 7 and 8."""
    stage = ANT | {"channels": 16}
    ensemble = analyze({**stage, "block": "e_ant", "groups": [1, 2]})
    branches = [analyze(stage | {"groups": groups}) for groups in (1, 2)]
    assert ensemble.madds == sum(branch.madds for branch in branches)
    assert ensemble.params == sum(branch.params for branch in branches) + 2
    assert [node.name for node in ensemble.graph.nodes][-2:] == ["s0.weighted_sum", "s0.add"]


def test_every_second_squeezenext_block_has_1x3_first() -> None:
    """SqueezeNext, Figure 2 and its Caffe files; the first of the two widens C/4 to C/2."""
    cost = analyze({"block": "squeezenext", "channels": 16, "repeat": 3})
    convs = [node for node in cost.graph.nodes if isinstance(node.layer, Conv2d)]
    channels = [8, 4, 8, 8, 16]
    assert [node.shape.c for node in convs] == channels * 3
    down = [(1, 1), (1, 1)]
    even, odd = [*down, (3, 1), (1, 3), (1, 1)], [*down, (1, 3), (3, 1), (1, 1)]
    assert [node.layer.kernel for node in convs] == [*even, *odd, *even]
    assert len({row.madds for row in cost.by("block")}) == 1
    assert cost.params == 3 * (16 * 8 + 8 * 4 + 3 * 4 * 8 + 3 * 8 * 8 + 8 * 16 + 2 * sum(channels))


def test_squeezenext_has_a_convolution_in_the_shortcut_where_the_shape_changes() -> None:
    """As in the first blocks of 1.0-SqNxt-23."""
    cost = analyze({"block": "squeezenext", "channels": 32, "stride": 2, "repeat": 2})
    shortcuts = [node for node in cost.graph.nodes if "shortcut.conv" in node.name]
    assert [(node.inputs, node.layer) for node in shortcuts] == [
        (("input",), Conv2d(32, (1, 1), (2, 2)))
    ]
    with pytest.raises(SpecError, match=r"stages\[0\].channels: expected a multiple of 4, got 18"):
        analyze({"block": "squeezenext", "channels": 18})


def test_a_dense_layer_selects_shuffles_and_joins_its_input() -> None:
    """CondenseNet, converted: batch norm and ReLU before each convolution."""
    stage = {"block": "condense", "growth": 8, "groups": 4, "condensation": 2}
    cost = analyze(stage)
    before = ["bn", "act", "conv"]
    assert names(cost) == [
        "select",
        *(f"squeeze.{layer}" for layer in before),
        "shuffle",
        *(f"grow.{layer}" for layer in before),
        "concat",
    ]
    selected, hidden = 16 * 4 // 2, 4 * 8
    weights = selected * hidden // 4 + 9 * hidden * 8 // 4
    assert cost.params == weights + 2 * selected + 2 * hidden
    assert cost.madds == weights * 8 * 8
    assert analyze(stage | {"repeat": 3}).graph.output.dims == (16 + 3 * 8, 8, 8)
    with pytest.raises(SpecError, match=r"condensation: condensation=3 does not divide 16 chan"):
        analyze(stage | {"condensation": 3})


def test_a_basic_residual_block_has_a_shortcut_of_its_own_where_the_shape_changes() -> None:
    """ResNet, Figure 5 (left) and option B."""
    first = [*(f"first.{name}" for name in ("conv", "bn", "act")), "second.conv", "second.bn"]
    stage = {"block": "basic_residual", "channels": 16}
    assert names(analyze(stage)) == [*first, "add", "act"]
    projected = [*first, "shortcut.conv", "shortcut.bn", "add", "act"]
    for change in ({"stride": 2}, {"channels": 24}):
        assert names(analyze(stage | change)) == projected
    cost = analyze(stage | {"channels": 24, "stride": 2, "repeat": 2})
    later = 2 * 9 * 24 * 24
    assert cost.madds == (9 * 16 * 24 + 9 * 24 * 24 + 16 * 24 + later) * 4 * 4


@pytest.mark.parametrize(("stride_in", "reduced"), [("1x1", 4), ("3x3", 8)])
def test_a_bottleneck_strides_where_it_is_told(stride_in: str, reduced: int) -> None:
    stage = {"block": "bottleneck_residual", "channels": 32, "stride": 2, "stride_in": stride_in}
    cost = analyze(stage | {"groups": 2})
    convs = {n.name.removeprefix("s0."): n for n in cost.graph.nodes if "conv" in n.name}
    assert list(convs) == ["reduce.conv", "spatial.conv", "expand.conv", "shortcut.conv"]
    assert convs["reduce.conv"].shape.dims == (8, reduced, reduced)
    assert convs["shortcut.conv"].shape.dims == (32, 4, 4)
    spatial = 9 * 8 * 8 // 2 * 4 * 4
    others = (8 * 32 + 16 * 32) * 4 * 4
    assert cost.madds == 16 * 8 * reduced * reduced + spatial + others


def test_a_bottleneck_attends_behind_its_last_convolution() -> None:
    """SENet, Figure 3."""
    stage = {"block": "bottleneck_residual", "channels": 16, "contraction": 2, "reduction": 4}
    cost, plain = analyze(stage), analyze(stage | {"reduction": None})
    assert names(cost)[-10:] == ["expand.bn", *ATTENTION_LAYERS, "add", "act"]
    assert cost.madds - plain.madds == 2 * 16 * 4
    biased = analyze(stage | {"attention_bias": True})
    assert biased.params - cost.params == 16 + 4
    with pytest.raises(SpecError, match="contraction: contraction=3 does not divide 16 channels"):
        analyze(stage | {"contraction": 3})


def test_dense_layers_join_and_transitions_halve() -> None:
    """DenseNet, section 3; batch norm and ReLU before each convolution."""
    before = ("bn", "act", "conv")
    cost = analyze({"block": "dense", "growth": 8})
    expected = [f"{layer}.{name}" for layer in ("squeeze", "grow") for name in before]
    assert names(cost) == [*expected, "concat"]
    assert cost.madds == (16 * 32 + 9 * 32 * 8) * 8 * 8
    assert analyze({"block": "dense", "growth": 8, "repeat": 3}).graph.output.dims == (40, 8, 8)
    cost = analyze({"block": "transition"})
    assert names(cost) == [*(f"compress.{name}" for name in before), "pool"]
    assert (cost.madds, cost.graph.output.dims) == (16 * 8 * 8 * 8, (8, 4, 4))
    assert analyze({"block": "transition", "contraction": 3}).graph.output.c == 5
    with pytest.raises(SpecError, match="contraction: contraction=17 leaves none of 16 channels"):
        analyze({"block": "transition", "contraction": 17})


def test_a_shuffle_unit_adds_its_input_or_joins_the_pooled_one() -> None:
    """ShuffleNet, Figure 2 (b) and (c)."""
    stage = {"block": "shuffle", "channels": 24, "groups": 2, "stride": 2, "repeat": 2}
    cost = analyze(stage | {"first_groups": 1})
    first, second = cost.by("block")
    assert [n.name.removeprefix("s0.0.") for n in first.nodes] == [
        *("reduce.conv", "reduce.bn", "reduce.act", "shuffle", "depthwise.conv", "depthwise.bn"),
        *("expand.conv", "expand.bn", "pool", "act", "concat"),
    ]
    assert [n.name.removeprefix("s0.1.") for n in second.nodes][-2:] == ["add", "act"]
    assert first.madds == 16 * 6 * 8 * 8 + (9 * 6 + 6 * (24 - 16) // 2) * 4 * 4
    assert second.madds == (24 * 6 // 2 + 9 * 6 + 6 * 24 // 2) * 4 * 4
    assert analyze(stage).madds == cost.madds - 16 * 6 * 8 * 8 // 2
    assert "s0.0.shuffle" not in {node.name for node in analyze(stage | {"groups": 1}).graph.nodes}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"channels": 16, "stride": 2},
            r"channels: expected more than the 16 of the input, got 16",
        ),
        ({"channels": 18}, r"channels: expected a multiple of 4, got 18"),
        ({"channels": 24}, r"channels: expected the 16 of the input, or stride: 2 .* got 24"),
        (
            {"channels": 16, "groups": 3},
            r"groups: s0.reduce.conv: groups=3 does not divide 16 -> 4",
        ),
    ],
)
def test_shuffle_units_that_do_not_fit_their_input(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        analyze({"block": "shuffle", "groups": 1, **fields})


def test_a_unit_of_shufflenet_v2_halves_its_input_or_doubles_it() -> None:
    """ShuffleNetV2, Figure 3 (c) and (d)."""
    cost = analyze({"block": "shuffle_v2", "channels": 24, "stride": 2, "repeat": 2})
    first, second = cost.by("block")
    convs = [[n for n in row.nodes if isinstance(n.layer, Conv2d)] for row in (first, second)]
    assert [n.name.removeprefix("s0.0.") for n in convs[0]] == [
        *("shortcut.depthwise.conv", "shortcut.pointwise.conv", "reduce.conv"),
        *("branch.depthwise.conv", "branch.pointwise.conv"),
    ]
    assert first.madds == (9 * 16 + 16 * 12) * 16 + 16 * 12 * 64 + (9 * 12 + 12 * 12) * 16
    assert second.madds == (12 * 12 + 9 * 12 + 12 * 12) * 16
    kept, split = (n for n in second.nodes if isinstance(n.layer, SliceChannels))
    assert (kept.layer, split.layer) == (SliceChannels(0, 12), SliceChannels(12, 12))
    assert [n.inputs for n in second.nodes][-2:] == [
        ("s0.1.keep", "s0.1.branch.pointwise.act"),
        ("s0.1.concat",),
    ]
    for channels, message in ((24, "expected the 16 of the input, got 24"), (15, "an even number")):
        with pytest.raises(SpecError, match=rf"stages\[0\].channels: .*{message}"):
            analyze({"block": "shuffle_v2", "channels": channels})


def test_a_ghost_bottleneck_makes_half_of_its_channels_cheaply() -> None:
    """GhostNet, Figure 3: depthwise between the modules only where it strides."""
    stage = {"block": "ghost", "hidden": 40, "channels": 24, "kernel": 5, "stride": 2}
    first, second = analyze(stage | {"squeeze": 12, "repeat": 2}).by("block")
    module = (16 * 20 + 9 * 20) * 64
    shortcut = (25 * 16 + 16 * 24) * 16
    squeeze = 2 * 40 * 12
    assert first.madds == module + shortcut + squeeze + (25 * 40 + 40 * 12 + 9 * 12) * 16
    assert second.madds == squeeze + (24 * 20 + 9 * 20 + 40 * 12 + 9 * 12) * 16
    assert [n.name.removeprefix("s0.1.") for n in second.nodes if isinstance(n.layer, Conv2d)] == [
        *("expand.primary.conv", "expand.cheap.conv"),
        *("project.primary.conv", "project.cheap.conv"),
    ]
    relus = [n.name for n in second.nodes if n.layer == Activation("relu")]
    assert [name.removeprefix("s0.1.") for name in relus] == [
        *("expand.primary.act", "expand.cheap.act", "attention.relu"),
    ]
    with pytest.raises(SpecError, match="an even number of channels, not 41"):
        analyze(stage | {"hidden": 41})


def test_xception_strides_by_its_pool_and_may_begin_without_a_relu() -> None:
    """Xception, Figure 5."""
    stage = {"block": "xception", "channels": 24, "hidden": 16, "stride": 2}
    cost = analyze(stage | {"activates_first": False})
    assert names(cost) == [
        *(f"separable1.{name}" for name in ("depthwise", "pointwise", "bn")),
        *(f"separable2.{name}" for name in ("act", "depthwise", "pointwise", "bn")),
        *("pool", "shortcut.conv", "shortcut.bn", "add"),
    ]
    assert cost.madds == (9 * 16 + 16 * 16 + 9 * 16 + 16 * 24) * 64 + 16 * 24 * 16
    middle = analyze({"block": "xception", "channels": 16, "layers": 3})
    assert names(middle)[0] == "separable1.act"
    assert middle.madds == 3 * (9 * 16 + 16 * 16) * 64
    assert names(analyze({"block": "xception_conv", "channels": 8}))[-2:] == ["bn", "act"]


def test_inception_modules_join_their_branches() -> None:
    stage = {"block": "inception", "branches": [[8], [4, 16], [2, 24], [32]]}
    cost = analyze(stage | {"norm": False})
    assert cost.graph.output.dims == (8 + 16 + 24 + 32, 8, 8)
    weights = 16 * (8 + 4 + 2 + 32) + 9 * 4 * 16 + 25 * 2 * 24
    assert cost.madds == weights * 64
    assert cost.params == weights + 8 + 4 + 16 + 2 + 24 + 32
    halved = analyze({"block": "inception_b", "branches": [[8], [4, 6, 10]]}, (16, 9, 9))
    assert halved.graph.output.dims == (8 + 10 + 16, 4, 4)
    assert halved.madds == 9 * 16 * 8 * 16 + (16 * 4 + 9 * 4 * 6) * 81 + 9 * 6 * 10 * 16
    split = {"block": "inception_e", "branches": [[8], [4, 6, 10], [2, 12, 14, 18], [20]]}
    assert analyze(split).graph.output.c == 8 + 6 + 10 + 14 + 18 + 20
    with pytest.raises(SpecError, match=r"stages\[0\].branches"):
        analyze(stage | {"branches": [[8], [4], [2, 24], [32]]})


def test_the_width_scales_the_channels_inside_of_blocks() -> None:
    stages = [
        {"block": "mobilenet_v3", "hidden": 64, "squeeze": 16, "channels": 32},
        {"block": "inception", "branches": [[64], [96, 128], [16, 32], [32]]},
    ]
    thin = antcost.analyze(network(*stages) | {"width": 0.5})
    nodes = {node.name: node for node in thin.graph.nodes}
    assert nodes["s0.expand.conv"].shape.c == 32
    assert nodes["s0.attention.reduce"].shape.c == 8
    assert [nodes[f"s1.{name}.conv"].shape.c for name in ("threes1", "threes2", "fives1")] == [
        *(48, 64, 8),
    ]


def test_select_keeps_one_in_so_many_channels() -> None:
    cost = analyze({"block": "select", "condensation": 4})
    assert (cost.graph.output.dims, cost.params, cost.madds) == ((4, 8, 8), 0, 0)


def test_norm_is_batch_norm_and_activation() -> None:
    assert names(analyze({"block": "norm"})) == ["bn", "act"]
    assert names(analyze({"block": "norm", "activation": None})) == ["bn"]


def test_the_width_scales_the_growth_of_dense_layers() -> None:
    stage = {"block": "condense", "growth": 24, "groups": 1, "condensation": 1}
    thin = antcost.analyze(network(stage, input_shape=(16, 8, 8)) | {"width": 0.5})
    assert thin.graph.output.c == 16 + make_divisible(24, Fraction("0.5"))


def test_conv_follows_its_fields() -> None:
    cost = analyze(
        {
            "block": "conv",
            "kernel": [1, 3],
            "channels": 8,
            "norm": False,
            "activation": None,
            "bias": True,
            "padding": [0, 1],
            "dilation": 1,
            "groups": 2,
        }
    )
    (node,) = cost.graph.nodes
    assert node.layer == Conv2d(8, (1, 3), padding=(0, 1), groups=2, bias=True)
    assert cost.params == 3 * 8 * 8 + 8


def test_linear_flattens_a_map_and_takes_dropout_and_activation() -> None:
    cost = analyze({"block": "linear", "channels": "classes", "dropout": 0.2, "activation": "relu"})
    assert [node.layer for node in cost.graph.nodes][1:] == [
        Dropout(0.2),
        Linear(10),
        Activation("relu"),
    ]
    assert cost.params == 16 * 8 * 8 * 10 + 10


def test_pools() -> None:
    assert analyze({"block": "avgpool"}).graph.output.dims == (16, 1, 1)
    pool = {"block": "avgpool", "kernel": 3, "stride": 3}
    assert analyze(pool).graph.output.dims == (16, 2, 2)
    pool = {"block": "maxpool", "kernel": 3, "stride": 2}
    assert analyze(pool).graph.output.dims == (16, 4, 4)
    assert analyze(pool | {"repeat": 3}).graph.output.dims == (16, 4, 4)
    assert analyze(pool | {"stride": [2, 2], "repeat": 2}).graph.output.dims == (16, 4, 4)
    pool |= {"padding": "valid"}
    assert analyze(pool).graph.output.dims == (16, 3, 3)
    assert analyze(pool | {"ceil": True}).graph.output.dims == (16, 4, 4)
    with pytest.raises(SpecError, match=r"stages\[0\].ceil: s0.pool: padding: same rounds up"):
        analyze({"block": "maxpool", "kernel": 3, "stride": 2, "ceil": True})
    for half in ({"stride": 2}, {"kernel": 2}):
        with pytest.raises(SpecError, match="give kernel and stride, or neither"):
            analyze({"block": "avgpool", **half})


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [
        (32, "1.4", 48),  # 44.8
        (24, "1.4", 32),  # 33.6 down to 32, above 0.9 of it
        (96, "1.4", 136),  # 134.4
        (320, "1.4", 448),
        (1280, "1.4", 1792),
        (16, "0.35", 8),
        (24, "0.35", 8),
        (32, "0.35", 16),  # 11.2 would round to 8, below 0.9 of it
        (20, "1", 24),  # a tie rounds up
        (3, "0.5", 8),
    ],
)
def test_the_rounding_rule_of_the_mobilenets(channels: int, width: str, expected: int) -> None:
    assert make_divisible(channels, Fraction(width)) == expected


def test_the_width_scales_all_but_the_classes_and_grows_the_last_conv_only() -> None:
    thin, wide = (antcost.analyze("mobilenet_v2", [f"width={w}"]) for w in (0.5, 1.4))
    channels = {row.name: row.output.c for row in thin.by("stage")}
    assert channels["conv0"] == 16
    assert channels["block7"] == 160
    assert channels["conv8"] == 1280
    assert channels["fc10"] == 1000
    assert {row.name: row.output.c for row in wide.by("stage")}["conv8"] == 1792


def test_linear_layers_keep_their_channels_and_the_last_conv_may_stand_before_them() -> None:
    stages = [
        {"block": "conv", "kernel": 3, "channels": 16},
        {"block": "separable", "channels": 32},
        {"block": "conv", "kernel": 1, "channels": 960},
        {"block": "avgpool"},
        {"block": "linear", "channels": 1280},
        {"block": "linear", "channels": 10},
    ]
    channels = {}
    for width in (0.5, 2.0):
        rows = antcost.analyze(network(*stages) | {"width": width}).by("stage")
        channels[width] = [row.output.c for row in rows]
    assert channels == {0.5: [8, 16, 960, 960, 1280, 10], 2.0: [32, 64, 1920, 1920, 1280, 10]}


def test_the_stem_of_a_network_without_a_last_conv_is_scaled() -> None:
    thin = antcost.analyze("mobilenet_v1", ["width=0.5"])
    assert [row.output.c for row in thin.by("stage")][:2] == [16, 32]
    assert thin.by("stage")[-3].output.c == 512


def test_a_highway_layer_gates_what_it_transforms() -> None:
    cost = analyze({"block": "highway"})
    expected = ["transform.conv", "transform.act", "gate.conv", "gate.act"]
    assert names(cost) == [*expected, "complement", "carry", "multiply", "add"]
    assert cost.madds == 2 * 9 * 16 * 16 * 8 * 8
    assert cost.params == 2 * (9 * 16 * 16 + 16)
    *_, complement, carry, multiply, add = cost.graph.nodes
    assert complement.inputs == ("s0.gate.act",)
    assert carry.inputs == ("input", "s0.complement")
    assert multiply.inputs == ("s0.transform.act", "s0.gate.act")
    assert add.inputs == ("s0.multiply", "s0.carry")


def test_interleaved_groups() -> None:
    igc = {"block": "igc", "channels": 32, "groups": [8, 4], "stride": 2, "repeat": 2}
    layers = ["primary", "permute", "secondary", "permute_back", "bn", "act"]
    assert names(analyze(igc)) == [f"{block}.{layer}" for block in (0, 1) for layer in layers]
    first, second = analyze(igc).by("block")
    assert first.madds == (9 * 2 * 32 + 8 * 32) * 4 * 4
    assert second.madds == (9 * 4 * 32 + 8 * 32) * 4 * 4
    clc = analyze({"block": "clc", "channels": 32, "groups": [8, 2], "stride": 2})
    assert clc.madds == (9 * 2 * 16 + 8 * 32) * 4 * 4
    assert clc.params == 9 * 2 * 16 + 2 * 16 + 8 * 32 + 2 * 32
    assert names(clc)[2] == "interlace"


@pytest.mark.parametrize("groups", [[2], [2, 2, 2], 2, [2, 0]])
def test_interleaved_convolutions_take_a_pair_of_groups(groups: Any) -> None:
    with pytest.raises(SpecError, match=r"stages\[0\]\.groups"):
        analyze({"block": "igc", "channels": 32, "groups": groups})


def test_a_flattened_layer() -> None:
    cost = analyze({"block": "flattened", "channels": 24, "kernel": 5})
    one_d = ["lateral", "vertical", "horizontal"]
    assert names(cost) == [*(f"set{i}.{name}" for i in (0, 1) for name in one_d), "act"]
    assert cost.madds == (16 * 24 + 24 * 24 + 4 * 5 * 24) * 8 * 8
    assert cost.params == 16 * 24 + 24 * 24 + 4 * 5 * 24 + 6 * 24
    single = analyze({"block": "flattened", "channels": 24, "kernel": 3, "sets": 1})
    assert single.madds == (16 * 24 + 2 * 3 * 24) * 8 * 8
