"""Whatever a spec holds, it is counted or refused with one line a problem, within a second."""

import contextlib
import random
import string
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, network
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import antcost
from antcost.blocks.genotype import OPERATIONS
from antcost.cost.analysis import NetCost
from antcost.cost.convention import CONVENTIONS
from antcost.errors import AntcostError
from antcost.sources.specs.catalog import shipped_names
from antcost.tables.formats import render
from antcost.views.network import network_table

LIMIT_S = 1.0

sizes = st.integers(1, 7)
size_fields = sizes | st.tuples(sizes, sizes).map(list)
widths = st.integers(1, 12).map(lambda n: 8 * n)
strides = st.sampled_from([1, 1, 2])
kinds = st.sampled_from(["relu", "relu6", "leaky_relu", "gelu", "hardswish", "silu"])
activations = kinds | st.none()
repeats = st.integers(1, 3)


def block(name: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"block": st.just(name), "repeat": repeats, **fields})


def channels_of(*lengths: int) -> st.SearchStrategy[list[list[int]]]:
    """Channels of as many convolutions in each branch."""
    lists = [st.lists(widths, min_size=length, max_size=length) for length in lengths]
    return st.tuples(*lists).map(list)


attention = {
    "expansion": st.integers(1, 6),
    "channels": widths,
    "stride": strides,
    "kernel": st.sampled_from([3, 5, [1, 3]]),
    "attention": st.sampled_from(["none", None]),
    "attention_bias": st.booleans(),
}
paddings = st.sampled_from(["same", "same", "valid", 0])
reductions = st.integers(1, 3) | st.none()


@st.composite
def cells(draw: st.DrawFn) -> dict[str, Any]:
    """A sum of both inputs and up to two of what is there before them, all of them joined.

    So nothing is made in vain, which torch's tracer would leave out.
    """

    def edge(state: int) -> list[Any]:
        return [draw(st.sampled_from(OPERATIONS)), state]

    def later(number: int) -> list[list[Any]]:
        return [edge(draw(st.integers(0, number + 1))) for _ in range(2)]

    sums = [[edge(0), edge(1)], *map(later, range(1, draw(st.integers(1, 3))))]
    return {"sums": sums, "output": [2 + number for number in range(len(sums))]}


places = {
    "reduction": st.integers(1, 3),
    "attention": st.sampled_from(["after_depthwise", "before_expansion", "after_projection"]),
}
group_pairs = st.tuples(st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4, 8])).map(list)
features = st.one_of(
    block(
        "conv",
        kernel=size_fields,
        channels=widths,
        stride=strides,
        groups=st.sampled_from([1, 8]),
        padding=paddings | st.tuples(st.integers(0, 2), st.integers(0, 2)).map(list),
        bias=st.booleans(),
        norm=st.booleans(),
        activation=activations,
        dilation=st.integers(1, 3),
    ),
    block(
        "conv_transpose",
        kernel=sizes,
        channels=widths,
        stride=strides,
        groups=st.sampled_from([1, 8]),
        bias=st.booleans(),
        norm=st.booleans(),
        activation=activations,
    ),
    block("separable", kernel=size_fields, channels=widths, stride=strides),
    block("inverted_residual", reduction=reductions, **attention),
    block(
        "mbconv",
        expansion=st.integers(1, 6),
        channels=widths,
        kernel=st.sampled_from([3, 5]),
        stride=strides,
        reduction=reductions,
        activation=st.sampled_from(["relu", "silu"]),
    ),
    block(
        "mobilenet_v3",
        hidden=st.none() | widths,
        channels=widths,
        stride=strides,
        squeeze=st.none() | widths,
        activation=kinds,
    ),
    block("ant", reduction=reductions, groups=st.sampled_from([1, 2, 4, 8]), **attention),
    block("ant", **attention | places),
    block(
        "e_ant",
        reduction=reductions,
        groups=st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=3),
        **attention,
    ),
    block(
        "condense",
        growth=widths,
        groups=st.sampled_from([1, 2, 4, 8]),
        condensation=st.sampled_from([1, 2, 4, 8]),
        bottleneck=st.integers(1, 4),
    ),
    block("basic_residual", channels=widths, stride=strides),
    block(
        "bottleneck_residual",
        channels=widths,
        stride=strides,
        stride_in=st.sampled_from(["1x1", "3x3"]),
        contraction=st.sampled_from([1, 2, 4]),
        groups=st.sampled_from([1, 2]),
        reduction=reductions,
        attention_bias=st.booleans(),
    ),
    block("dense", growth=widths, bottleneck=st.integers(1, 4)),
    block(
        "ghost",
        hidden=widths,
        channels=widths,
        kernel=st.sampled_from([3, 5]),
        stride=strides,
        squeeze=st.none() | widths,
    ),
    block("xception", channels=widths, hidden=st.none() | widths, stride=st.just(2)),
    block("xception_conv", channels=widths),
    block(
        "inception",
        branches=channels_of(1, 2, 2, 1),
        kernel=st.sampled_from([3, 5]),
        norm=st.booleans(),
    ),
    block("inception_a", branches=channels_of(1, 2, 3, 1)),
    block("inception_b", branches=channels_of(1, 3)),
    block("inception_c", branches=channels_of(1, 3, 5, 1)),
    block("inception_d", branches=channels_of(2, 4)),
    block("inception_e", branches=channels_of(1, 3, 4, 1)),
    block("norm", activation=activations),
    block("activation", kind=st.sampled_from(["relu", "gelu"])),
    block("nasnet_cell", cell=cells(), channels=widths, stride=strides),
    block("darts_cell", cell=cells(), channels=widths, stride=strides),
    block(
        "shuffle",
        channels=st.integers(13, 40).map(lambda n: 8 * n),
        stride=st.just(2),
        groups=st.sampled_from([1, 2]),
        first_groups=st.sampled_from([None, 1, 2]),
    ),
    block("shuffle_v2", channels=widths, stride=st.just(2)),
    block("squeezenext", channels=widths, stride=strides),
    block("highway", kernel=size_fields, activation=st.sampled_from(["relu", "tanh"])),
    block("igc", channels=widths, stride=strides, groups=group_pairs),
    block("clc", channels=widths, stride=strides, groups=group_pairs),
    block(
        "flattened",
        channels=widths,
        kernel=sizes,
        sets=st.integers(1, 2),
        activation=activations,
    ),
    block("maxpool", kernel=sizes, stride=strides, padding=paddings),
    block(
        "maxpool",
        kernel=sizes,
        stride=sizes,
        padding=st.sampled_from(["valid", 0]),
        ceil=st.booleans(),
    ),
    block("avgpool", kernel=sizes, stride=strides, padding=paddings),
)
selections = st.sampled_from(
    [[], [{"block": "select", "condensation": 2}], [{"block": "transition", "contraction": 3}]]
)
heads = st.lists(
    block("linear", channels=widths | st.just("classes"), dropout=st.floats(0, 0.9)), max_size=2
).map(lambda linears: [{"block": "avgpool"}, *linears])


@st.composite
def valid_specs(draw: st.DrawFn) -> dict[str, Any]:
    """A 1x1 stem, so that groups divide all channels, and some features and a head."""
    stem = {"block": "conv", "kernel": 1, "channels": draw(widths)}
    body = draw(st.lists(features, min_size=1, max_size=6))
    stages = [stem, *body, *draw(selections), *draw(heads)]
    side = st.integers(1, 64)
    spec = network(*stages, input_shape=(draw(st.integers(3, 8)), draw(side), draw(side)))
    return spec | {"width": draw(st.sampled_from([0.25, 0.5, 1.0, 1.4]))}


MISFITS = (
    "is larger than its map",
    "of the input",
    "the outputs of two blocks",
    "cannot add different shapes",
)


def counted(spec: dict[str, Any]) -> NetCost:
    """The cost of a spec; another one is drawn where a block does not fit its input."""
    try:
        return antcost.analyze(spec)
    except AntcostError as error:
        if not any(reason in str(error) for reason in MISFITS):
            raise
        reject()


@settings(max_examples=500, deadline=LIMIT_S * 1000, suppress_health_check=[HealthCheck.too_slow])
@given(valid_specs())
def test_every_valid_spec_is_counted(spec: dict[str, Any]) -> None:
    cost = counted(spec)
    for level in ("block", "stage", "kind"):
        rows = cost.by(level)
        assert sum(row.params for row in rows) == cost.params
        assert sum(row.madds for row in rows) == cost.madds
    assert cost.flops == 2 * cost.madds
    table = network_table(cost, CONVENTIONS["madds"], free=True)
    assert len(table.items) == len(cost.graph.nodes)
    assert render(table, "text", width=100)


@settings(max_examples=100)
@given(valid_specs(), st.sampled_from([2, 4, 8]))
def test_groups_divide_a_convolution(spec: dict[str, Any], groups: int) -> None:
    """With a 1x1 convolution in front, so that the channels can be divided."""
    front = {"name": "front", "block": "conv", "kernel": 1, "channels": 64}
    after = {"name": "after", "block": "conv", "kernel": 3, "channels": 32, "groups": groups}
    spec = spec | {"stages": [front, after, *spec["stages"][-2:]], "width": 1.0}
    grouped = counted(spec).by("layer")
    spec["stages"][1] = after | {"groups": 1}
    dense = counted(spec).by("layer")
    index = next(i for i, row in enumerate(grouped) if row.name == "after.conv")
    assert groups * grouped[index].madds == dense[index].madds
    assert grouped[index + 1 :] == dense[index + 1 :]


SLOW = {
    "stars": ("a" * 64, {f"*{'a*' * 17}b.channels": 3}),
    "ranges": ("a1", {f"a[{','.join(['1-999'] * 3000)}].channels": 3}),
    "products": ("a1", {"a" + "[1-9]" * 12 + ".channels": 3}),
    "changes": ("a1", {f"a*{'*' * i}.channels": 8 for i in range(199)}),
}


@pytest.mark.parametrize("case", SLOW)
def test_no_override_path_takes_long(case: str) -> None:
    first, changes = SLOW[case]
    names = [first, *(f"a{i}" for i in range(2, 900))]
    rows = [{"name": name, "block": "conv", "kernel": 1, "channels": 8} for name in names]
    spec = {**network({"block": "avgpool"}), "stages": rows, "set": changes}
    start = time.process_time()
    with contextlib.suppress(AntcostError):
        antcost.load(spec)
    assert time.process_time() - start < LIMIT_S


SHIPPED = [ROOT / "specs" / f"{name}.yaml" for name in shipped_names()]
NASTY = [
    "0", "-1", "1e9", "99999999999999999999", "1.5", ".nan", ".inf", "null", "true", "''", "[]",
    "{}", "[1, 2]", "classes", "conv", "ant", "e_ant", "linear", "*x", "&x 1", "!!binary YQ==",
    "!!bool no?", "!!timestamp foo", "!!int ''", "!!float ''", "0x" + "f" * 9000, "010", "1:30",
    "2001-01-01", "\"\\u0000\"", "'\n'", "antnet_g1.yaml", "../antnet_g1.yaml", "same", "valid",
    "{a: {a: {a: 1}}}", "1_000", "0x10", "0o17", "~", "é", "💥", "<<", "?", "64", "3",
]  # fmt: skip


def mutate(text: str, rng: random.Random) -> str:
    """Change one to three places of a spec, as a typo, an editor or an attacker would."""
    for _ in range(rng.randint(1, 3)):
        lines = text.splitlines(keepends=True) or [""]
        i, j = (rng.randrange(len(lines)) for _ in range(2))
        at = rng.randrange(len(text) + 1)
        words = [
            w
            for w in text.replace(",", " ").replace("}", " ").split()
            if w.strip(string.punctuation)
        ]
        word = rng.choice(words or ["x"])
        match rng.randrange(8):
            case 0:
                text = text[:at] + rng.choice(string.printable) + text[at + 1 :]
            case 1:
                text = text[:at] + text[at + rng.randint(1, 9) :]
            case 2:
                lines[i], lines[j] = lines[j], lines[i]
                text = "".join(lines)
            case 3:
                text = "".join(lines[:i] + lines[i + 1 :])
            case 4:
                text = "".join([*lines[: i + 1], *lines[i:]])
            case 5:
                text = text.replace(word, rng.choice(NASTY), 1)
            case 6:
                text = text.replace(word, rng.choice(words or ["x"]), 1)
            case 7:
                text = text[:at] + rng.choice(NASTY) + text[at:]
    return text


@pytest.mark.parametrize("batch", range(20))
def test_every_mutation_is_counted_or_refused(tmp_path: Path, batch: int) -> None:
    """2,000 mutations of the shipped specs, a hundred a batch."""
    (tmp_path / "cifar100").mkdir()
    for path in SHIPPED:
        (tmp_path / path.relative_to(ROOT / "specs")).write_bytes(path.read_bytes())
    outcomes = {"counted": 0, "refused": 0}
    for seed in range(100 * batch, 100 * (batch + 1)):
        rng = random.Random(seed)
        original = rng.choice(SHIPPED).relative_to(ROOT / "specs")
        mutant = (tmp_path / original).with_name("mutant.yaml")
        mutant.write_text(mutate((ROOT / "specs" / original).read_text(), rng), encoding="utf-8")
        start = time.process_time()
        try:
            cost = antcost.analyze(mutant)
            outcomes["counted"] += cost.params >= 0
        except AntcostError as error:
            outcomes["refused"] += 1
            lines = str(error).splitlines()
            assert lines
            assert all(line.startswith(f"{tmp_path}/") for line in lines), (seed, lines)
            assert all(line.isprintable() for line in lines), (seed, lines)
        assert time.process_time() - start < LIMIT_S, seed
    assert min(outcomes.values()) > 0
