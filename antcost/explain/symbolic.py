"""Closed forms: blocks, shape rules and cost formulas run on SymPy symbols, none written twice.

Counts and dimensions made of symbols are still typed as integers; `expression` is what they are.
This module needs SymPy; it is imported when first used.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from math import gcd, lcm
from typing import Any, Literal, assert_never, get_origin

from sympy import Add, Expr, Integer, Rational, Symbol, ceiling, floor, fraction, sympify, together

from antcost.cost.analysis import NetCost, Row, analyze_graph
from antcost.errors import AntcostError, ShapeError, suggest
from antcost.graph import layers as L
from antcost.graph.graph import Graph, Node
from antcost.graph.shape import Shape
from antcost.graph.tape import PREVIOUS, Tape, Tensor
from antcost.sources.specs.build import build_graph, build_stages, run_stage
from antcost.sources.specs.model import NetSpec, Stage
from antcost.sources.specs.settings import find_stage_model, set_fields
from antcost.sources.specs.width import DIVISOR, scaled_channels, scaled_fields, stage_fields

LETTERS = {
    "channels": "c_o",
    "expansion": "t",
    "kernel": "k",
    "reduction": "r",
    "groups": "g",
    "growth": "k_g",
    "condensation": "C",
    "hidden": "c_h",
    "squeeze": "c_s",
}
"""The papers' letters for the fields of blocks."""
MEANINGS = {
    "h": "height of the output map",
    "w": "width of the output map",
    "c_i": "channels in",
    "c_p": "channels in from the block before the last",
    **{name: field for field, name in LETTERS.items()},
    "c_o": "channels out",
    "c_h": "channels of the hidden layers",
    "c_s": "channels of the squeeze",
    "N": "blocks",
}
"""What the letters mean; k_h, k_w and g_1, g_2, ... are kernels and groups, too."""


def letter(name: str) -> Any:
    """Return the symbol of this name: a positive integer."""
    return Symbol(name, integer=True, positive=True)


H, W = letter("h"), letter("w")
REPEAT = letter("N")
ALPHA = Symbol("alpha", positive=True)


@dataclass(frozen=True, slots=True)
class Divides:
    """A condition on a form: `divisor` divides `dividend`."""

    divisor: Expr
    dividend: Expr


@dataclass(frozen=True, slots=True)
class FormPart:
    """A block that occurs `times` in a stage, and the closed forms of its layers."""

    label: str
    times: Expr
    block: Row
    layers: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """A block, or a stage as its first block and the later ones, on symbols.

    `values` are what the symbols stand for in the spec, and `actual` is what the stage costs there;
    a block by itself has neither.
    """

    block: str
    input: Shape
    parts: tuple[FormPart, ...]
    values: Mapping[Symbol, int]
    actual: Row | None = None

    @property
    def output(self) -> Shape:
        """Return what the first block makes."""
        return self.parts[0].block.output

    @property
    def madds(self) -> Expr:
        return Add(*(part.times * part.block.madds for part in self.parts))

    @property
    def params(self) -> Expr:
        return Add(*(part.times * part.block.params for part in self.parts))


@dataclass(frozen=True, slots=True)
class ResolutionForm:
    """A network on inputs of other sizes than the spec's.

    `sides` are S * m + remainder and S * n + remainder, or none if the input is no map; in the spec
    m and n have these `values`, and the cost is `actual`.
    """

    cost: NetCost
    actual: NetCost
    sides: tuple[Expr, ...]
    values: Mapping[Symbol, int]


@dataclass(frozen=True, slots=True)
class WidthForm:
    """A network with all its channels times alpha; for alpha `bound` 1, if there is a bound.

    Exact where alpha is a multiple of `step`: channels are then multiples of 8, and quotients are
    integers; also at 1 if `exact_at_1`.
    """

    bound: Literal["", "<=", ">="]
    madds: Expr
    params: Expr
    step: Fraction
    exact_at_1: bool


def expression(count: int) -> Expr:
    """Return a count or dimension as the expression it is."""
    return sympify(count)


def is_rounded(expr: Expr) -> bool:
    """Return whether a quotient in the expression is rounded to an integer."""
    return bool(expr.has(floor, ceiling))


def without_rounding(expr: Expr) -> Expr:
    """Return the expression with every quotient as it is: floor(t*c_i/r) becomes t*c_i/r."""
    return expr.replace(lambda part: isinstance(part, floor | ceiling), lambda part: part.args[0])


def value(expr: Expr, values: Mapping[Symbol, int]) -> Fraction:
    """Return the number after substitution."""
    number = expr.subs(values)
    return Fraction(int(number.p), int(number.q))


# What has to divide what


def taken_for_granted(counts: Iterable[int]) -> list[Divides]:
    """Return what has to divide what, so that the counts without rounding are exact."""
    return _conditions(
        part.args[0] for count in counts for part in expression(count).atoms(floor, ceiling)
    )


def required(nodes: Iterable[Node]) -> list[Divides]:
    """Return what groups have to divide, or the layer is refused: the channels that it reads
    and makes.
    """
    quotients = (
        expression(channels) / groups
        for node in nodes
        for groups in _groups(node.layer)
        for channels in (node.input_shapes[0].c, node.shape.c)
    )
    return _conditions(quotient for quotient in quotients if not quotient.is_integer)


def _groups(layer: L.Layer) -> Iterator[int]:
    """Yield the groups into which a layer divides channels."""
    match layer:
        case (
            L.Conv2d(groups=groups)
            | L.ConvTranspose2d(groups=groups)
            | L.ChannelShuffle(groups=groups)
        ):
            yield groups
        case (
            L.Linear() | L.BatchNorm() | L.Activation() | L.MaxPool2d() | L.AvgPool2d()
            | L.GlobalAvgPool() | L.Add() | L.Multiply() | L.Complement() | L.Concat()
            | L.SelectChannels() | L.Shift() | L.SliceChannels() | L.WeightedSum() | L.Flatten()
            | L.Dropout()
        ):  # fmt: skip
            return
        case _:
            assert_never(layer)


def _conditions(quotients: Iterable[Expr]) -> list[Divides]:
    """Return what makes the quotients integers, but for those that always are."""
    found = set()
    for quotient in quotients:
        dividend, divisor = fraction(together(without_rounding(quotient)))
        if divisor != 1:
            sign = -1 if dividend.could_extract_minus_sign() else 1
            found.add(Divides(divisor, sign * dividend))
    return sorted(found, key=str)


def _common_multiple(conditions: Iterable[Divides]) -> int:
    """Return the least number that all divisors divide."""
    return lcm(*(int(condition.divisor) for condition in conditions))


def without_implied(conditions: Sequence[Divides], known: Sequence[Divides] = ()) -> list[Divides]:
    """Return the same conditions in short, without what follows from the others and the `known`
    ones.

    g divides t*c_o if it divides c_o; if it divides c_i, too, c_o instead of c_o - c_i is enough.
    """
    left = sorted(conditions, key=lambda condition: condition.dividend.count_ops())
    for condition in tuple(left):
        left.remove(condition)
        terms = Add.make_args((condition.dividend / condition.divisor).expand())
        open_ = [t for t in terms if not any(_follows(t, other) for other in (*left, *known))]
        left += _conditions([Add(*open_)])
    return sorted(set(left), key=str)


def _follows(quotient: Expr, other: Divides) -> bool:
    """Return whether a quotient is an integer where that of another condition is one."""
    return bool((quotient * other.divisor / other.dividend).is_integer)


# Blocks and stages


def block_form(block: str, settings: Mapping[str, Any]) -> ClosedForm:
    """Return a block with letters for all fields but `settings`, from c_i channels onto h x w.

    A cell reads c_p channels of the same size, too. A block that strides reads a map of so many
    times h x w, but h x w if its strides enlarge the map; a linear layer reads a vector; a block
    that keeps its channels reads c_o of them. Raises AntcostError for an unknown block or field,
    and for a block that cannot be run on symbols.
    """
    stage, fields = _lettered_block(block, settings)
    stride = fields.get("stride") or 1
    s_h, s_w = stride if isinstance(stride, tuple) else (stride, stride)
    form = _one_block(stage, fields, () if block == "linear" else (s_h * H, s_w * W))
    if any(isinstance(node.layer, L.ConvTranspose2d) for node in form.parts[0].block.nodes):
        form = _one_block(stage, fields, (H, W))
    return form


def _lettered_block(block: str, settings: Mapping[str, Any]) -> tuple[Stage, dict[str, Any]]:
    """Return letters for what has one and is not set; stride 1, and other fields as by default."""
    model_fields = find_stage_model(block).model_fields
    open_fields = {
        name: [2, 2] if get_origin(model_fields[name].annotation) is tuple else 2
        for name in LETTERS
        if name in model_fields and name not in settings
    }
    stride = {"stride": 1} if "stride" in model_fields else {}
    stage = set_fields(block, {**open_fields, **stride}, settings)
    fields = stage.fields()
    return stage, fields | _lettered({name: fields[name] for name in open_fields}, {})


def _one_block(stage: Stage, fields: Mapping[str, Any], sides: tuple[int, ...]) -> ClosedForm:
    """Return a block that reads c_i channels, or c_o if it keeps its channels."""
    previous = Shape((letter("c_p"), *sides))
    x = Shape((letter("c_i"), *sides))
    try:
        parts = _parts(stage, fields, x, previous)
    except ShapeError:
        x = Shape((fields.get("channels", letter("c_i")), *sides))
        parts = _parts(stage, fields, x, previous)
    return ClosedForm(stage.block, x, parts, {})


def stage_form(spec: NetSpec, name: str) -> ClosedForm:
    """Return a stage of a network: its first block, which may stride, and N - 1 later ones.

    The second of its cells has inputs of its own, too. Raises AntcostError for an unknown
    stage, or a block that cannot be run on symbols.
    """
    names = [stage.name for stage in spec.stages]
    if name not in names:
        raise AntcostError(f"no stage is called {name!r}; {suggest(name, names)}")
    stage = spec.stages[names.index(name)]
    numbers = stage_fields(spec)[names.index(name)]
    cost = analyze_graph(build_graph(spec))
    actual = next((row for row in cost.by("stage") if row.name == name), None)
    if actual is None:
        raise AntcostError(f"stage {name!r} has no layers to explain")
    blocks = cost.by("block")
    index = next(i for i, row in enumerate(blocks) if row.nodes[0].origin.stage == name)
    here = blocks[index].input
    values: dict[Symbol, int] = {}
    x = _lettered_input(here, blocks[index].output, values)
    fields = {**numbers, **_lettered(numbers, values)}
    if numbers.get("channels") == here.c:
        # A block may do without a layer where the channels stay the same.
        fields["channels"] = x.c
        values.pop(letter("c_o"), None)
    previous = None
    if index >= 2:
        before = blocks[index - 2].output
        known = {1: 1, numbers.get("channels"): fields.get("channels"), here.c: x.c}
        c_p: Any = known.get(before.c, letter("c_p"))
        sides = map(_in_terms_of, x.dims[1:], here.dims[1:], before.dims[1:])
        previous = Shape((c_p, *sides))
    parts = _parts(stage, fields, x, previous, of_image=index == 0)
    reads_previous = any(PREVIOUS in node.inputs for node in parts[0].block.nodes)
    if previous and previous.c == letter("c_p") and reads_previous:
        values[letter("c_p")] = before.c
    if any(part.times.has(REPEAT) for part in parts):
        values[REPEAT] = stage.repeat
    form = ClosedForm(stage.block, x, parts, values, actual)
    _require_agreement(form, actual)
    return form


def _lettered(fields: Mapping[str, Any], values: dict[Symbol, int]) -> dict[str, Any]:
    """Return letters for the papers' numbers, and put what they stand for into `values`.

    1 stays 1: without groups, expansion or window the form is another, simpler one.
    """

    def named(name: str, numbers: Any) -> Any:
        if isinstance(numbers, tuple):
            ends = "hw" if name == "k" else range(1, len(numbers) + 1)
            return tuple(named(f"{name}_{end}", n) for end, n in zip(ends, numbers, strict=True))
        if type(numbers) is not int or numbers == 1:
            return numbers
        values[letter(name)] = numbers
        return letter(name)

    return {field: named(name, fields[field]) for field, name in LETTERS.items() if field in fields}


def _lettered_input(x: Shape, y: Shape, values: dict[Symbol, int]) -> Shape:
    """Return the input of a block in letters: its sides in h and w.

    These are the sides of the output, unless that is larger than the input or a single point.
    """
    dims = list(x.dims)
    outs = (x.c, *(y.dims[1:] or x.dims[1:]))
    for axis, name in ((1, "h"), (2, "w"), (0, "c_i")):
        if axis < x.rank and x.dims[axis] > 1:
            size, out = x.dims[axis], outs[axis]
            values[letter(name)] = number = out if 1 < out <= size else size
            dims[axis] = _in_terms_of(letter(name), number, size)
    return Shape(tuple(dims))


def _in_terms_of(side: int, number: int, size: int) -> int:
    """Return `size` in terms of a side that is `number` here, exactly: 2*h - 1 for 55 and 28."""
    factor = -(-size // number)
    return factor * side + (size - factor * number)


def _parts(
    stage: Stage,
    fields: Mapping[str, Any],
    x: Shape,
    previous: Shape | None,
    *,
    of_image: bool = False,
) -> tuple[FormPart, ...]:
    """Return the blocks of a stage: the first and N - 1 others, or each one if their shapes differ.

    Of cells the first two, and N - 2 others; all N in one if the others are like the first. A cell
    never reads the image as the input before, so the second one does not if x is `of_image`.
    """
    net = Tape(x, previous)
    start = net.input if of_image else Tensor("x", x)
    if net.previous:
        net.made(net.previous, start)
    with _on_symbols(f"block {stage.block!r}"):
        out = run_stage(net, start, stage, fields)
    if out == start:
        raise AntcostError(f"block {stage.block!r} has no layers to explain")
    cost = analyze_graph(net.graph(stage.block, out))
    blocks = cost.by("block")
    layers = [
        tuple(replace(row, name=row.name.removeprefix(f"{name}.")) for row in rows)
        for name, rows in groupby(cost.layers, key=lambda row: row.nodes[0].origin.name)
    ]
    parts = [
        FormPart(f"{index}" if stage.repeat > 1 else "", Integer(1), *each)
        for index, each in enumerate(zip(blocks, layers, strict=True))
    ]
    if stage.repeat == 1 or not _makes_what_it_reads(blocks[-1]):
        return tuple(parts)
    costs = [part.block.cost for part in parts]
    different = costs.index(costs[-1])
    label = f"N - {different} later" if different else "all N"
    later = replace(parts[different], label=label, times=REPEAT - different)
    if different == 1:
        return replace(parts[0], label="first"), later
    return (*parts[:different], later)


def _makes_what_it_reads(block: Row) -> bool:
    """Return whether another such block would be the same."""
    made = {node.name for node in block.nodes}
    read = {
        shape
        for node in block.nodes
        for name, shape in zip(node.inputs, node.input_shapes, strict=True)
        if name not in made
    }
    return read == {block.output}


@contextmanager
def _on_symbols(what: str) -> Iterator[None]:
    """Raise AntcostError for code that needs numbers, such as a block that loops over a field."""
    try:
        yield
    except AntcostError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AntcostError(f"{what} cannot be run on symbols: {reason:.200}") from error


def _require_agreement(form: ClosedForm, actual: Row) -> None:
    """Raise AntcostError for a block that takes another way with symbols than with numbers."""
    madds, params = value(form.madds, form.values), value(form.params, form.values)
    if madds != actual.madds or params != actual.params:
        raise AntcostError(
            f"block {form.block!r} cannot be run on symbols: it would have {madds} MAdds and "
            f"{params} parameters, not {actual.madds} and {actual.params}"
        )


# Networks


def resolution_form(spec: NetSpec) -> ResolutionForm:
    """Return a network at every resolution that leaves the same remainder as the spec's own.

    A side is S * m + remainder, with the least S for which every map has an exact size.
    """
    actual = analyze_graph(build_graph(spec))
    numbers = spec.input[1:]
    if len(numbers) != 2:
        return ResolutionForm(actual, actual, (), {})
    letters = letter("m"), letter("n")
    maps = [node.shape for node in _at_resolution(spec, letters).nodes if node.shape.rank == 3]
    factors = [
        _common_multiple(taken_for_granted({map_.dims[axis] for map_ in maps})) for axis in (1, 2)
    ]
    every = list(zip(letters, numbers, factors, strict=True))
    sides = tuple(factor * side + size % factor for side, size, factor in every)
    cost = analyze_graph(_at_resolution(spec, sides))
    values = {side: size // factor for side, size, factor in every}
    return ResolutionForm(cost, actual, sides, values)


def _at_resolution(spec: NetSpec, sides: tuple[Expr, ...]) -> Graph:
    with _on_symbols("the network"):
        return build_graph(replace(spec, input=(spec.input[0], *sides)))


def width_forms(spec: NetSpec) -> list[WidthForm]:
    """Return a network in its width alpha: one form, or two if the last convolution grows above 1
    only.

    None for a bound within which at most one width is exact, or if there are no channels to
    multiply.
    """
    one = Integer(1)
    below, above = (scaled_fields(spec, ALPHA, last, _times) for last in (one, ALPHA))
    if below == above:
        forms = [_width_form(spec, "", ALPHA)]
    else:
        forms = [_width_form(spec, "<=", one), _width_form(spec, ">=", ALPHA)]
    return [form for form in forms if form is not None]


def _width_form(spec: NetSpec, bound: Literal["", "<=", ">="], last: Expr) -> WidthForm | None:
    """Run the network on alpha = step * j, which makes every count an integer for j = 1, 2, ..."""
    j = letter("j")
    channels = [
        int(number / ALPHA)
        for fields in scaled_fields(spec, ALPHA, last, _times)
        for number in scaled_channels(fields)
        if expression(number).has(ALPHA)
    ]
    if not channels:
        return None
    step = Rational(DIVISOR, gcd(*channels))
    for _ in range(2):
        fields = scaled_fields(spec, step * j, last.subs(ALPHA, step * j), _times)
        with _on_symbols("the network"):
            graph = build_stages(spec, fields)
        whole = analyze_graph(graph).whole
        counts = whole.madds, whole.params
        factor = _common_multiple([*taken_for_granted(counts), *required(graph.nodes)])
        if factor == 1:
            break
        step *= factor
    else:
        return None
    madds, params = (expression(count).subs(j, ALPHA / step).expand() for count in counts)
    at_1 = analyze_graph(build_graph(replace(spec, width=1.0)))
    exact_at_1 = (madds.subs(ALPHA, 1), params.subs(ALPHA, 1)) == (at_1.madds, at_1.params)
    every = Fraction(step.p, step.q)
    widths_up_to_1 = 1 // every + (exact_at_1 and 1 % every > 0)
    if bound == "<=" and widths_up_to_1 < 2:
        return None
    return WidthForm(bound, madds, params, every, exact_at_1)


def _times(channels: int, width: Any) -> Any:
    return channels * width
