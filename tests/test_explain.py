"""Closed forms: proofs on symbols, and numbers after substitution against those of the tables."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sympy")
from conftest import network
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sympy import Expr, sympify
from test_cli import plain, run_in_terminal
from test_fuzz import features
from typer.testing import Result

import antcost
from antcost.blocks import registry
from antcost.blocks.fields import Channels, Expansion, Size
from antcost.cost.analysis import NetCost, analyze_graph
from antcost.cost.equations import eq1_separable_madds, eq9_attention_madds
from antcost.errors import AntcostError
from antcost.explain.blocks import ClosedForm, FormPart, block_form, stage_form
from antcost.explain.conditions import taken_for_granted
from antcost.explain.networks import resolution_form, width_forms
from antcost.explain.symbols import ALPHA, REPEAT, expression, letter, value, without_rounding
from antcost.graph.tape import Tape, Tensor
from antcost.sources.specs.build import build_stages
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.load import load
from antcost.sources.specs.model import NetSpec
from antcost.sources.specs.stages import STAGE_MODELS
from antcost.sources.specs.width import make_divisible, scaled_fields
from antcost.views.formula import factored, formula

Run = Callable[..., Result]
H, W, C_I, C_O, T, K, R, G = map(letter, ("h", "w", "c_i", "c_o", "t", "k", "r", "g"))


def equal(a: Expr, b: Expr) -> bool:
    """Whether two polynomials, with products of letters below, are the same."""
    return bool((sympify(a) - sympify(b)).expand() == 0)


def block(name: str, **fields: Any) -> FormPart:
    return block_form(name, fields).parts[0]


def madds(name: str, **fields: Any) -> Expr:
    """Where all quotients are integers."""
    return without_rounding(block_form(name, fields).madds)


def at(form: Expr, numbers: dict[str, int]) -> Expr:
    return sympify(form).subs({letter(name): number for name, number in numbers.items()})


def layer(part: FormPart, name: str) -> Expr:
    (row,) = (row for row in part.layers if row.name == name)
    return without_rounding(expression(row.madds))


def test_the_separable_block_is_eq1() -> None:
    assert equal(madds("separable"), eq1_separable_madds(H, W, C_I, C_O, K))
    assert equal(madds("separable", stride=2), eq1_separable_madds(H, W, C_I, C_O, K))


@pytest.mark.parametrize(
    ("name", "fields"), [("ant", {}), ("ant", {"stride": 2}), ("inverted_residual", {})]
)
def test_attention_adds_exactly_eq9(name: str, fields: dict[str, Any]) -> None:
    added = madds(name, **fields) - madds(name, **fields, reduction=None)
    assert equal(added, eq9_attention_madds([(R, 1, T * C_I)]))


def test_attention_adds_eq9_in_every_branch_and_to_the_parameters() -> None:
    added = madds("e_ant") - madds("e_ant", reduction=None)
    assert equal(added, eq9_attention_madds([(R, 2, T * C_I)]))
    attended, plain = block_form("ant", {}), block_form("ant", {"reduction": None})
    added = without_rounding(attended.params - plain.params)
    assert equal(added, eq9_attention_madds([(R, 1, T * C_I)]))


def test_attention_adds_eq9_to_a_stage_of_n_blocks() -> None:
    spec = load("antnet_g2")
    plain = load("antnet_g2", ["ant3.attention=none"])
    attended, without = (without_rounding(stage_form(s, "ant3").madds) for s in (spec, plain))
    groups = [(R, 1, T * C_I), (R, REPEAT - 1, T * C_O)]
    assert equal(attended - without, eq9_attention_madds(groups))


def test_g_divides_the_projection_and_nothing_else() -> None:
    grouped, plain = block("ant"), block("ant", groups=1)
    names = [row.name for row in grouped.layers]
    assert [row.name for row in plain.layers] == names
    for name in names:
        factor = G if name == "project.conv" else 1
        assert equal(layer(grouped, name) * factor, layer(plain, name))
    assert equal(layer(plain, "project.conv"), H * W * T * C_I * C_O)


def test_mobilenet_v2_is_a_special_case_of_ant() -> None:
    """g = 1 and no attention, for every t but 1: each layer, its shape and each of its counts."""
    special = block("ant", groups=1, reduction=None)
    inverted = block("inverted_residual", reduction=None)
    for one, other in zip(special.layers, inverted.layers, strict=True):
        assert (one.name, one.operator, one.cost) == (other.name, other.operator, other.cost)
        assert (one.nodes[0].layer, one.output) == (other.nodes[0].layer, other.output)
    assert equal(special.block.madds, H * W * T * C_I * (C_I + K**2 + C_O))


def test_ant_expands_at_1_and_mobilenet_v2_does_not() -> None:
    fields = {"expansion": 1, "reduction": None}
    added = madds("ant", **fields, groups=1) - madds("inverted_residual", **fields)
    assert equal(added, H * W * C_I**2)


def test_what_has_to_divide_what() -> None:
    form = block_form("ant", {})
    granted = {(str(d.divisor), str(d.dividend)) for d in taken_for_granted([form.madds])}
    assert granted == {("g", "c_i*t"), ("r", "c_i*t")}
    assert taken_for_granted([block_form("separable", {}).madds]) == []


@pytest.mark.parametrize("name", shipped_names())
def test_every_stage_after_substitution(name: str) -> None:
    spec = load(name)
    for row in antcost.analyze(spec).by("stage"):
        form = stage_form(spec, row.name)
        assert value(form.madds, form.values) == row.madds
        assert value(form.params, form.values) == row.params
        shown = sum(
            (factored(without_rounding(expression(p.block.madds))) * p.times for p in form.parts), 0
        )
        assert equal(shown, without_rounding(form.madds))


@pytest.mark.parametrize("name", shipped_names())
def test_networks_at_other_resolutions(name: str) -> None:
    form = resolution_form(load(name))
    factor = form.sides[0].coeff(letter("m"))
    rest = load(name).input[1] % factor
    assert form.sides == (factor * letter("m") + rest, factor * letter("n") + rest)
    for m, n in ((2, 2), (2, 5), (9, 4)):
        actual = antcost.analyze(name, [f"input=[3, {m * factor + rest}, {n * factor + rest}]"])
        assert at(form.cost.madds, {"m": m, "n": n}) == actual.madds
        assert at(form.cost.params, {"m": m, "n": n}) == actual.params


def test_a_resolution_that_leaves_a_remainder() -> None:
    form = resolution_form(load("antnet_g2", ["input=[3, 225, 200]"]))
    assert [str(side) for side in form.sides] == ["32*m + 1", "32*n + 8"]
    assert at(form.cost.madds, {"m": 7, "n": 6}) == form.actual.madds
    other = antcost.analyze("antnet_g2", ["input=[3, 65, 136]"])
    assert at(form.cost.madds, {"m": 2, "n": 4}) == other.madds


def at_width(spec: NetSpec, width: Fraction) -> NetCost:
    """Its cost at any width; a spec cannot hold 1/3."""
    fields = scaled_fields(spec, width, max(width, Fraction(1)), make_divisible)
    return analyze_graph(build_stages(spec, fields))


@pytest.mark.parametrize("name", shipped_names())
def test_networks_at_other_widths(name: str) -> None:
    spec = load(name)
    forms = width_forms(spec)
    assert [form.bound for form in forms] in ([""], ["<=", ">="], [">="])
    for form in forms:
        widths = [form.step * i for i in range(1, 10)] + [Fraction(1)] * form.exact_at_1
        inside = [w for w in widths if not form.bound or (w <= 1) == (form.bound == "<=") or w == 1]
        assert len(inside) > 1
        for width in inside:
            actual = at_width(spec, width)
            assert form.madds.subs(ALPHA, width) == actual.madds
            assert form.params.subs(ALPHA, width) == actual.params


def test_widths_of_quarters() -> None:
    (form,) = width_forms(load("mobilenet_v1"))
    assert (form.step, form.exact_at_1) == (Fraction(1, 4), True)


def test_a_width_that_reductions_make_coarser() -> None:
    """Alpha * 64 is a multiple of 8 at 1/8, but r = 32 divides 6 * 64 * alpha from 1/4 on only."""
    stages = [
        {"block": "conv", "kernel": 1, "channels": 64},
        {"block": "ant", "expansion": 2, "reduction": 32, "channels": 64},
    ]
    (form,) = width_forms(load(network(*stages)))
    assert form.step == Fraction(1, 4)


GROUPED = [
    {"block": "conv", "kernel": 3, "channels": 96},
    {"block": "conv", "kernel": 3, "channels": 32, "groups": 16},
    {"block": "ant", "expansion": 3, "channels": 16, "groups": 16},
]


def test_a_width_at_which_groups_divide_the_channels_out_too() -> None:
    """At 1/2, 16 divides the 3 * 16 channels that the projection reads, but not the 8 it makes."""
    spec = load(network(*GROUPED))
    with pytest.raises(AntcostError, match="groups=16 does not divide 48 -> 8 channels"):
        antcost.analyze(replace(spec, width=0.5))
    (form,) = width_forms(spec)
    assert form.step == 1
    assert form.madds.subs(ALPHA, 3) == at_width(spec, Fraction(3)).madds


def width_notes(text: str) -> list[str]:
    return re.findall(r"^Width .*$", text, re.MULTILINE)


ROUNDED = "elsewhere channels or quotients are rounded."


def test_a_form_for_a_single_width_is_left_out(run: Run) -> None:
    """Of the widths up to 1, all but 1 round the 24 or 16 channels of MobileNetV2 to 8."""
    assert width_notes(run("explain", "mobilenet_v2").stdout) == [
        "Width alpha >= 1: MAdds = 267,939,840*alpha^2 + 32,834,432*alpha, "
        "params = 2,124,672*alpha^2 + 1,379,200*alpha + 1,000; "
        f"exact for integers; {ROUNDED}"
    ]


@pytest.mark.parametrize(
    ("channels", "widths"),
    [
        (4, [">= 1: at 1 and for multiples of 2"]),
        (8, [">= 1: for integers"]),
        (12, ["<= 1: at 1 and for multiples of 2/3", ">= 1: at 1 and for multiples of 2/3"]),
        (16, ["<= 1: for multiples of 1/2", ">= 1: for multiples of 1/2"]),
    ],
)
def test_where_a_width_is_exact(
    run: Run, write_spec: Callable[..., Path], channels: int, widths: list[str]
) -> None:
    """Width 1 rounds no channels, so it is exact even where their multiples of 8 are not."""
    convs = [f"{{name: {name}, block: conv, kernel: 1, channels: {channels}}}" for name in "ab"]
    head = "name: n\ninput: [3, 8, 8]\nclasses: 2\n"
    path = write_spec(f"{head}stages: [{', '.join(convs)}]\n")
    notes = width_notes(run("explain", str(path)).stdout)
    told = [re.sub(r"^Width alpha (.*): MAdds = .*; exact (.*); .*$", r"\1: \2", n) for n in notes]
    assert told == widths


def test_a_network_without_channels_to_multiply_has_no_width() -> None:
    assert width_forms(load(network({"block": "linear", "channels": 7}))) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(features, min_size=1, max_size=3), st.integers(3, 40), st.integers(3, 40))
def test_random_networks(stages: list[dict[str, Any]], height: int, width: int) -> None:
    """Stages after substitution, and the network at another resolution with the same remainder."""
    mapping = network(*stages, input_shape=(8, height, width))
    try:
        spec = load(mapping)
        actual = antcost.analyze(spec)
    except AntcostError:
        reject()
    for row in actual.by("stage"):
        form = stage_form(spec, row.name)
        assert value(form.madds, form.values) == row.madds
    form = resolution_form(spec)
    at_home = {symbol.name: number for symbol, number in form.values.items()}
    assert at(form.cost.madds, at_home) == actual.madds
    larger = {name: number + 1 for name, number in at_home.items()}
    sides = [int(at(side, larger)) for side in form.sides]
    bigger = antcost.analyze(mapping | {"input": (8, *sides)})
    assert at(form.cost.madds, larger) == bigger.madds
    assert at(form.cost.params, larger) == bigger.params


@pytest.mark.parametrize(
    ("expr", "text", "latex"),
    [
        (H * W * K**2 * C_I * C_O / G, "h*w*c_i*c_o*k^2/g", r"\frac{h w c_{i} c_{o} k^{2}}{g}"),
        (C_I**2 + C_O / G / R, "c_i^2 + c_o/(g*r)", r"c_{i}^{2} + \frac{c_{o}}{g r}"),
        (H * W * (C_I + C_O) / 4, "h*w*(c_i + c_o)/4", r"\frac{h w}{4} (c_{i} + c_{o})"),
        (1234 * letter("m") * letter("n") - 5, "1,234*m*n - 5", "1{,}234 m n - 5"),
        (C_I * (2 * H - 1) * (2 * W - 1), "c_i*(2*h - 1)*(2*w - 1)", None),
        (1 - C_I, "1 - c_i", "1 - c_{i}"),
        (H * W * (C_O - C_I) / G, "h*w*(c_o - c_i)/g", r"\frac{h w}{g} (c_{o} - c_{i})"),
        (C_O / G - 2 * C_I, "c_o/g - 2*c_i", r"\frac{c_{o}}{g} - 2 c_{i}"),
        (C_I * (H - K + 1), "c_i*(h - k + 1)", "c_{i} (h - k + 1)"),
        (-C_I - 1, "-c_i - 1", None),
        (1 / G, "1/g", r"\frac{1}{g}"),
        (sympify(0), "0", "0"),
    ],
)
def test_notation(expr: Expr, text: str, latex: str | None) -> None:
    written = formula(factored(expr))
    assert written.text == text
    assert latex is None or written.latex == latex
    names = {symbol.name: symbol for symbol in expr.free_symbols}
    assert equal(sympify(written.plain, locals=names), expr)


def equation(text: str, name: str = "MAdds") -> str:
    return re.findall(rf"^{name} = (.*)$", text, re.MULTILINE)[0]


OTHERS = "; other quotients are rounded down or refused."


def test_explain_a_block(run: Run) -> None:
    text = run("explain", "--block", "ant").stdout
    assert text.startswith("ant: c_i x h x w to c_o x h x w\n")
    assert equation(text) == "h*w*t*c_i*(c_i + k^2 + c_o/g) + 2*t^2*c_i^2/r"
    assert equation(text, "params") == "t*c_i*(c_i + k^2 + c_o/g + 4) + 2*t^2*c_i^2/r + 2*c_o"
    assert "\ng has to divide t*c_i and c_o.\n" in text
    assert f"\nExact where r divides t*c_i{OTHERS}\n" in text
    separable = run("explain", "--block", "separable").stdout
    assert equation(separable) == "h*w*c_i*(k^2 + c_o)"
    assert "Exact where" not in separable


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (("ant", "groups=2"),
         ["2 has to divide t*c_i and c_o.", f"Exact where r divides t*c_i{OTHERS}"]),
        (("conv_transpose",), ["g has to divide c_i and c_o."]),
        (("shuffle",), ["4*g has to divide c_o."]),
        (("shuffle", "stride=2"), ["4*g has to divide c_o, g has to divide c_i."]),
        (("condense",), ["g has to divide k_g.", f"Exact where C divides c_i{OTHERS}"]),
        (("squeezenext",), [f"Exact where 4 divides c_o{OTHERS}"]),
        (("separable",), []),
    ],
)  # fmt: skip
def test_conditions_that_others_imply_are_left_out(
    run: Run, block: tuple[str, ...], told: list[str]
) -> None:
    name, *fields = block
    text = run("explain", "--block", name, *(f"--set={field}" for field in fields)).stdout
    lines = text.splitlines()
    assert [line for line in lines if "has to divide" in line or "Exact" in line] == told


def test_conditions_of_growing_channels_are_those_of_what_they_grow_by(run: Run) -> None:
    text = run("explain", "condensenet_g4", "--stage", "block2").stdout
    assert f"\ng has to divide k_g.\nExact where C divides c_i and k_g{OTHERS}\n" in text


def test_fields_of_a_block_can_be_set(run: Run) -> None:
    arguments = ("explain", "--block", "ant", "--set", "reduction=null", "--set", "groups=1")
    text = run(*arguments, "--set", "stride=2").stdout
    assert equation(text) == "h*w*t*c_i*(4*c_i + k^2 + c_o)"
    assert "c_i x 2*h x 2*w to c_o x h x w" in text
    branches = run("explain", "--block", "e_ant", "--set", "groups=[1, 2, 4]").stdout
    assert equation(branches) == "h*w*t*c_i*(3*c_i + 3*k^2 + 7*c_o/4) + 6*t^2*c_i^2/r"
    valid = run("explain", "--block", "conv", "--set", "padding=valid", "--set", "groups=1").stdout
    assert "c_o x (h - k + 1) x (w - k + 1)" in valid
    assert equation(valid) == "c_i*c_o*k^2*(h - k + 1)*(w - k + 1)"
    assert "h x w: input map" in valid


@pytest.mark.parametrize("settings", [(), ("--set", "stride=2")])
def test_a_block_that_enlarges_its_map_reads_h_x_w(run: Run, settings: tuple[str, ...]) -> None:
    text = run("explain", "--block", "conv_transpose", *settings).stdout
    sides = "(2*h + k - 2) x (2*w + k - 2)" if settings else "(h + k - 1) x (w + k - 1)"
    assert text.startswith(f"conv_transpose: c_i x h x w to c_o x {sides}\n")
    assert equation(text) == "h*w*c_i*c_o*k^2/g"
    assert "h x w: input map;" in text


def test_letters_of_one_meaning_share_it(run: Run, write_spec: Callable[..., Path]) -> None:
    text = run("explain", "--block", "e_ant").stdout
    assert "; r: reduction; g_1, g_2: groups.\n" in text
    stage = "{name: a, block: conv, kernel: [3, 5], channels: 4}"
    path = write_spec(f"name: n\ninput: [8, 9, 9]\nclasses: 2\nstages: [{stage}]\n")
    assert "; k_h, k_w: kernel.\n" in run("explain", str(path), "--stage", "a").stdout


CELL = "cell={sums: [[[sep3, 0], [id, 1]], [[avg3, 1], [skip, 2]]], output: [2, 3]}"
NEEDED = {"nasnet_cell": ("--set", CELL), "darts_cell": ("--set", CELL)}


@pytest.mark.parametrize("name", sorted(STAGE_MODELS))
def test_every_block_can_be_explained(run: Run, name: str) -> None:
    assert "MAdds = " in run("explain", "--block", name, *NEEDED.get(name, ())).stdout


def test_a_cell_reads_two_inputs(run: Run) -> None:
    text = run("explain", "--block", "nasnet_cell", *NEEDED["nasnet_cell"]).stdout
    assert equation(text) == "h*w*c_o*(c_i + c_p + 2*c_o + 18)"
    assert "c_p: channels in from the block before the last;" in text


def test_the_cells_of_a_stage_have_inputs_of_their_own_twice(run: Run) -> None:
    text = run("explain", "nasnet_a_mobile", "--stage", "normal2").stdout
    assert "N - 2 later" in text
    assert "c_p = 264, c_o = 88, N = 4." in text
    (total,) = (
        r.madds for r in antcost.analyze("nasnet_a_mobile").by("stage") if r.name == "normal2"
    )
    assert equation(text).endswith(f" = {total:,} here")


def test_explain_a_stage(run: Run) -> None:
    text = run("explain", "antnet_g2", "--stage", "ant3").stdout
    first = "h*w*t*c_i*(4*c_i + k^2 + c_o/g) + 2*t^2*c_i^2/r"
    later = "(N - 1)*(h*w*t*c_o*(k^2 + c_o + c_o/g) + 2*t^2*c_o^2/r)"
    assert equation(text) == f"{first} + {later} = 30,836,352 here"
    assert "Here h = 28, w = 28, c_i = 24, c_o = 32, t = 6, k = 3, r = 12, g = 2, N = 3." in text
    row = next(row for row in antcost.analyze("antnet_g2").by("stage") if row.name == "ant3")
    assert row.madds == 30_836_352


def test_equal_blocks_of_a_stage_are_n_times_one(run: Run, write_spec: Callable[..., Path]) -> None:
    stage = "{name: a, block: conv, kernel: 3, channels: 8, repeat: 3}"
    path = write_spec(f"name: n\ninput: [8, 9, 9]\nclasses: 2\nstages: [{stage}]\n")
    text = run("explain", str(path), "--stage", "a").stdout
    assert equation(text) == f"N*h*w*c_i^2*k^2 = {3 * 9 * 9 * 8 * 8 * 9:,} here"
    assert equation(text, "params") == f"N*c_i*(c_i*k^2 + 2) = {3 * 8 * (8 * 9 + 2):,} here"
    assert re.search(r"^conv +conv +all N +N\*h\*w\*c_i\^2\*k\^2 ", text, re.MULTILINE)


def test_blocks_that_are_not_repeated_are_one_sum(
    run: Run, write_spec: Callable[..., Path]
) -> None:
    stage = "{name: a, block: conv_transpose, kernel: 3, channels: 4, repeat: 3}"
    path = write_spec(f"name: n\ninput: [8, 9, 9]\nclasses: 2\nstages: [{stage}]\n")
    text = run("explain", str(path), "--stage", "a").stdout
    grown = "c_o*(h + k - 1)*(w + k - 1) + c_o*(h + 2*k - 2)*(w + 2*k - 2)"
    assert equation(text).startswith(f"c_o*k^2*(h*w*c_i + {grown}) = ")
    assert equation(text, "params") == "c_i*c_o*k^2 + 2*c_o^2*k^2 + 6*c_o = 600 here"
    text = run("explain", "nasnet_a_mobile", "--stage", "normal2").stdout
    assert equation(text, "params").startswith("2*c_i*c_o + c_p*c_o + 2*c_o*(13*c_o + 178) + 2*(N")


def test_quotients_that_are_rounded_are_told(run: Run) -> None:
    text = run("explain", "cifar100/c_antnet", "--stage", "ant3").stdout
    assert equation(text).endswith(" = 12,226,912 here")
    told = "the formulas would give 12,226,997.33 MAdds and 40,133.33 parameters."
    assert f"Here it is rounded down: {told}" in text


def test_explain_a_network(run: Run) -> None:
    text = run("explain", "mobilenet_v2").stdout
    assert "total                      6,112,128*m*n + 1,280,000  300,774,272    3,504,872" in text
    assert "Exact for inputs of 32*m x 32*n; here m = 7, n = 7." in text


def test_parameters_that_grow_with_the_map_are_shown(run: Run) -> None:
    overrides = ("--set", "pool9.kernel=1", "--set", "pool9.stride=1")
    text = run("explain", "mobilenet_v2", *overrides, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[-2]["params"] == "1280000*m*n + 1000"


FORMATS = ["text", "markdown", "latex", "csv", "json", "html"]


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize(
    "arguments", [("--block", "ant"), ("antnet_g2", "--stage", "ant3"), ("antnet_g2",)]
)
def test_formats(run: Run, arguments: tuple[str, ...], output_format: str) -> None:
    text = run("explain", *arguments, "--format", output_format).stdout
    assert ("$" in text) == (output_format in ("markdown", "latex"))
    assert ("<sub>i</sub>" in text) == (output_format == "html" and len(arguments) > 1)
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("width", [60, 80, 132])
@pytest.mark.parametrize("arguments", [("--block", "ant"), ("e_antnet", "--stage", "ant3")])
def test_formulas_are_never_cut(run: Run, width: int, arguments: tuple[str, ...]) -> None:
    """Other columns are hidden, and sums wrapped."""
    text = plain(run_in_terminal(width, "explain", *arguments))
    assert "..." not in text
    if arguments[0] == "--block":
        assert max(map(len, text.splitlines())) <= width
    assert equation(" ".join(text.split("\n\n")[-1].splitlines()) + "\n")


def test_json_has_both_notations_and_exact_numbers(run: Run) -> None:
    data = json.loads(run("explain", "antnet_g2", "--stage", "ant3", "--format", "json").stdout)
    names = {name: letter(name) for name in data["here"]}
    for row in (*data["rows"], data["total"]):
        written = sympify(row["madds"]["text"], locals=names)
        assert at(written, data["here"]) == row["madds_here"]
    assert data["total"]["madds_here"] == 30_836_352
    assert data["required"] == [
        {"divisor": "g", "dividend": "t*c_i"},
        {"divisor": "g", "dividend": "c_o"},
    ]
    assert {"divisor": "r", "dividend": "t*c_o"} in data["exact_where"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("antnet_g2", "--stage", "ant33"), "no stage is called 'ant33'; did you mean 'ant3'?"),
        (("--block", "ants"), "no block is called 'ants'; did you mean 'ant'?"),
        (("--block", "ant", "--set", "groups"), "expected FIELD=VALUE such as groups=2"),
        (("--block", "ant", "--set", "grups=2"), "unknown field; did you mean 'groups'?"),
        (("--block", "ant", "--set", "groups=two"), "groups: expected an integer, got 'two'"),
        (("--block", "ant", "--set", "repeat=2"), "repeat: unknown field"),
        (("--block", "ant", "--set", "channels=classes"), "expected an integer"),
        (("--block", "ant", "--set", "groups=: 1"), "is not valid YAML"),
        (("--block", "ant", "--columns", "flops"), "no column 'flops'"),
        (("antnet_g2", "--set", "ant3.groups=5"), "groups=5 does not divide 144 -> 32 channels"),
    ],
)
def test_mistakes(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("explain", *arguments, exit_code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [(), ("antnet_g2", "--block", "ant"), ("--block", "ant", "--stage", "ant3")]
)
def test_one_thing_is_explained_at_a_time(run: Run, arguments: tuple[str, ...]) -> None:
    run("explain", *arguments, exit_code=2)


def test_without_sympy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    result = run("explain", "antnet_g2", exit_code=2)
    assert result.stderr == "explain needs SymPy: pip install 'antcost[explain]'\n"


def loops(net: Tape, x: Tensor, *, channels: Channels, expansion: Expansion) -> Tensor:
    for index in range(expansion):
        x = net.conv(x, channels, name=f"conv{index}")
    return x


def compares(net: Tape, x: Tensor, *, channels: Channels) -> Tensor:
    return net.conv(x, channels if channels > x.c else 2 * x.c)


def looks_up(net: Tape, x: Tensor, *, channels: Channels, kernel: Size) -> Tensor:
    """A key that is no number takes the other way, without an error."""
    return net.conv(x, channels, kernel={3: 5}.get(kernel, 1))


def projects(net: Tape, x: Tensor, *, channels: Channels, stride: Size = 1) -> Tensor:
    """The shortcut of a residual network: a convolution only where the shape changes."""
    y = net.conv(x, channels, kernel=3, stride=stride, name="first")
    if stride != 1 or x.c != channels:
        x = net.conv(x, channels, stride=stride, name="shortcut")
    return net.add(x, y)


def thirds(net: Tape, x: Tensor) -> Tensor:
    """A layer as wide as a third of the map is high."""
    return net.linear(net.flatten(x), x.shape.h // 3)


def grows(net: Tape, x: Tensor, *, channels: Channels) -> Tensor:
    """A layer of a dense block."""
    return net.concat(x, net.conv(x, channels, kernel=3))


@pytest.fixture
def other_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (loops, compares, looks_up, projects, thirds, grows):
        monkeypatch.setitem(registry._built_in, function.__name__, function)


@pytest.mark.usefixtures("other_blocks")
@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"block": "loops", "channels": 8, "expansion": 2}, "TypeError: 'Symbol' object"),
        ({"block": "compares", "channels": 8}, "cannot determine truth value"),
        ({"block": "looks_up", "channels": 8, "kernel": 3}, "it would have"),
    ],
)
def test_blocks_that_need_numbers_say_so(stage: dict[str, Any], message: str) -> None:
    with pytest.raises(AntcostError, match=f"cannot be run on symbols: .*{message}") as caught:
        stage_form(load(network(stage)), "s0")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("other_blocks")
def test_a_block_that_needs_one_number_takes_it(run: Run) -> None:
    text = run("explain", "--block", "loops", "--set", "expansion=1").stdout
    assert equation(text) == "h*w*c_i*c_o"


@pytest.mark.usefixtures("other_blocks")
def test_no_polynomial_is_better_than_a_wrong_one(
    run: Run, write_spec: Callable[..., Path]
) -> None:
    stages = "[{name: a, block: conv, kernel: 1, channels: 8}, {name: b, block: thirds}]"
    path = write_spec(f"name: n\ninput: [3, 9, 9]\nclasses: 2\nstages: {stages}\n")
    text = run("explain", str(path), "--columns", "name,madds,madds_here").stdout
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert (rows["a"], rows["b"], rows["total"]) == (["24*m*n", "1,944"], ["1,944"], ["3,888"])
    assert "No polynomial where a cell is empty" in text


def test_an_input_without_a_map_has_no_resolution(
    run: Run, write_spec: Callable[..., Path]
) -> None:
    stages = "[{name: a, block: linear, channels: 7}]"
    path = write_spec(f"name: n\ninput: [5]\nclasses: 2\nstages: {stages}\n")
    assert "there is no resolution to vary" in run("explain", str(path)).stdout
    assert equation(run("explain", str(path), "--stage", "a").stdout) == "c_i*c_o = 35 here"


@pytest.mark.usefixtures("other_blocks")
def test_equal_channels_are_one_letter() -> None:
    """A block may do without a layer there."""
    stages = [{"block": "projects", "channels": c, "repeat": 2, "stride": 2} for c in (8, 8, 16)]
    spec = load(network(*stages, input_shape=(3, 32, 32)))
    forms = [stage_form(spec, f"s{index}") for index in range(3)]
    assert "shortcut" in [row.name for row in forms[2].parts[0].layers]
    assert "shortcut" not in [row.name for row in forms[2].parts[1].layers]
    plain = network({"block": "projects", "channels": 3}, input_shape=(3, 8, 8))
    assert equal(stage_form(load(plain), "s0").madds, 9 * H * W * C_I**2)


@pytest.mark.usefixtures("other_blocks")
def test_blocks_of_growing_shapes_are_listed_one_by_one(run: Run) -> None:
    spec = load(network({"block": "grows", "channels": 4, "repeat": 3}))
    form: ClosedForm = stage_form(spec, "s0")
    assert [part.label for part in form.parts] == ["0", "1", "2"]
    assert equal(form.madds, 9 * H * W * C_O * (3 * C_I + 3 * C_O))


def test_the_second_cell_of_a_network_reads_what_the_first_one_read() -> None:
    cell = {"sums": [[["sep3", 0], ["sep3", 1]]], "output": [2]}
    spec = network(
        {"block": "conv", "kernel": 3, "stride": 2, "padding": "valid", "channels": 24},
        {"block": "nasnet_cell", "repeat": 4, "channels": 8, "cell": cell},
        input_shape=(8, 3, 3),
    )
    form = stage_form(load(spec), "s1")
    assert [part.label for part in form.parts] == ["0", "1", "N - 2 later"]
    assert value(form.madds, form.values) == antcost.analyze(spec).by("stage")[1].madds
