"""Closed forms: blocks, shape rules and cost formulas run on SymPy symbols, none written twice.

Counts and dimensions made of symbols are still typed as integers; `expression` is what they are.
This module needs SymPy; it is imported when first used.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Literal, assert_never, get_origin

from sympy import Add, Expr, Integer, Rational, Symbol, ceiling, floor, fraction, sympify, together

from antcost.blocks.registry import block_function
from antcost.cost.analysis import NetCost, Row, analyze_graph
from antcost.errors import AntcostError, ShapeError, suggest
from antcost.graph import layers as L
from antcost.graph.graph import Graph
from antcost.graph.shape import Shape
from antcost.graph.tape import PREVIOUS, Tape
from antcost.sources.specs.build import build_graph, build_stages, later_fields
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
    cost: NetCost

    @property
    def madds(self) -> Expr:
        """MAdds of one such block."""
        return expression(self.cost.madds)

    @property
    def params(self) -> Expr:
        """Parameters of one such block."""
        return expression(self.cost.params)


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """A block, or a stage as its first block and the later ones, on symbols.

    `values` are what the symbols stand for in the spec, and `actual` is what the stage costs there;
    a block by itself has neither.
    """

    block: str
    parts: tuple[FormPart, ...]
    values: Mapping[Symbol, int]
    actual: Row | None = None

    @property
    def madds(self) -> Expr:
        return Add(*(part.times * part.madds for part in self.parts))

    @property
    def params(self) -> Expr:
        return Add(*(part.times * part.params for part in self.parts))


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

    @property
    def widths_up_to_1(self) -> int:
        """At how many widths up to 1 it is exact."""
        return 1 // self.step + (self.exact_at_1 and 1 % self.step > 0)


def expression(count: int) -> Expr:
    """Return a count or dimension as the expression it is."""
    return sympify(count)


def is_rounded(expr: Expr) -> bool:
    """Return whether a quotient in the expression is rounded to an integer."""
    return bool(expr.has(floor, ceiling))


def without_rounding(expr: Expr) -> Expr:
    """Return the expression with every quotient as it is: floor(t*c_i/r) becomes t*c_i/r."""
    return expr.replace(lambda part: isinstance(part, floor | ceiling), lambda part: part.args[0])


def taken_for_granted(exprs: Iterable[Expr]) -> list[Divides]:
    """Return what has to divide what, so that the expressions without rounding are exact."""
    rounded = (part for expr in exprs for part in expr.atoms(floor, ceiling))
    return _conditions(part.args[0] for part in rounded)


def required(graphs: Iterable[Graph]) -> list[Divides]:
    """Return what groups have to divide, or the layer is refused: the channels that it reads
    and makes.
    """
    quotients = [
        expression(channels) / groups
        for graph in graphs
        for node in graph.nodes
        for groups in _groups(node.layer)
        for channels in (node.input_shapes[0].c, node.shape.c)
    ]
    # The groups of a depthwise convolution are the channels themselves, rounded or not.
    return _conditions(quotient for quotient in quotients if _denominator(quotient) != 1)


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
    """Return what makes the quotients integers."""
    fractions = (fraction(together(without_rounding(quotient))) for quotient in quotients)
    return sorted(
        {Divides(divisor, _positive(dividend)) for dividend, divisor in fractions}, key=str
    )


def _denominator(quotient: Expr) -> Expr:
    return fraction(together(quotient))[1]


def _positive(expr: Expr) -> Expr:
    return -expr if expr.could_extract_minus_sign() else expr


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
        left += _conditions([Add(*open_)] if open_ else [])
    return sorted(set(left), key=str)


def _follows(quotient: Expr, other: Divides) -> bool:
    """Return whether a quotient is an integer where that of another condition is one."""
    return bool((quotient * other.divisor / other.dividend).is_integer)


def value(expr: Expr, values: Mapping[Symbol, int]) -> Fraction:
    """Return the number after substitution."""
    number = expr.subs(values)
    return Fraction(int(number.p), int(number.q))


def block_cost(block: str, fields: Mapping[str, Any], x: Shape, previous: Shape | None) -> NetCost:
    """Return the cost of one block whose fields and inputs may be symbols. Raises AntcostError.

    `previous` is what a cell reads beside x.
    """
    net = Tape(x, previous)
    with _on_symbols(f"block {block!r}"):
        out = block_function(block)(net, net.input, **fields)
    if out == net.input:
        raise AntcostError(f"block {block!r} has no layers to explain")
    return analyze_graph(net.graph(block, out))


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


def lettered(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[Symbol, int]]:
    """Fields with letters for the papers' numbers, and what the letters stand for.

    1 stays 1: without groups, expansion or window the form is another, simpler one.
    """
    values: dict[Symbol, int] = {}

    def named(name: str, number: Any) -> Any:
        if type(number) is not int or number == 1:
            return number
        values[letter(name)] = number
        return letter(name)

    result = dict(fields)
    for field, name in LETTERS.items():
        match fields.get(field):
            case tuple(numbers):
                ends = "hw" if field == "kernel" else range(1, len(numbers) + 1)
                result[field] = tuple(
                    named(f"{name}_{end}", number)
                    for end, number in zip(ends, numbers, strict=True)
                )
            case number:
                if field in fields:
                    result[field] = named(name, number)
    return result, values


def block_form(block: str, settings: Mapping[str, Any]) -> ClosedForm:
    """One block with letters for all fields but the `settings`, from c_i channels onto h x w.

    A cell reads c_p channels of the same size, too. A block that strides reads a map of so many
    times h x w, but h x w if its strides enlarge the map; a linear layer reads a vector; a block
    that keeps its channels reads c_o of them. Raises AntcostError for an unknown block or field,
    and for a block that cannot be run on symbols.
    """
    fields = _block_fields(block, settings)
    s_h, s_w = _pair(fields.get("stride") or 1)
    cost = _block_on(block, fields, () if block == "linear" else (s_h * H, s_w * W))
    if any(isinstance(node.layer, L.ConvTranspose2d) for node in cost.graph.nodes):
        cost = _block_on(block, fields, (H, W))
    return ClosedForm(block, (FormPart("", Integer(1), cost),), {})


def _block_on(block: str, fields: Mapping[str, Any], sides: tuple[int, ...]) -> NetCost:
    """Return the cost of a block that reads c_i channels, or c_o if it keeps its channels."""
    previous = Shape((letter("c_p"), *sides))
    try:
        return block_cost(block, fields, Shape((letter("c_i"), *sides)), previous)
    except ShapeError:
        x = Shape((fields.get("channels", letter("c_i")), *sides))
        return block_cost(block, fields, x, previous)


def _block_fields(block: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Letters for what has one and is not set; stride 1, and other fields as by default."""
    model_fields = find_stage_model(block).model_fields
    open_fields = {
        name: [2, 2] if get_origin(model_fields[name].annotation) is tuple else 2
        for name in LETTERS
        if name in model_fields and name not in settings
    }
    stride = {"stride": 1} if "stride" in model_fields else {}
    fields = set_fields(block, {**open_fields, **stride}, settings).fields()
    letters, _ = lettered({name: fields[name] for name in open_fields})
    return fields | letters


def _pair(size: int | L.Pair) -> L.Pair:
    return size if isinstance(size, tuple) else (size, size)


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
    first = blocks[index]
    x, x_values = _lettered_input(first.input, first.output)
    fields, values = lettered(numbers)
    if numbers.get("channels") == first.input.c:
        # A block may do without a layer where the channels stay the same.
        fields["channels"] = x.c
        values.pop(letter("c_o"), None)
    previous = None
    if index >= 2:
        before = blocks[index - 2].output
        known = {1: 1, numbers.get("channels"): fields.get("channels"), first.input.c: x.c}
        c_p: Any = known.get(before.c, letter("c_p"))
        previous = Shape((c_p, *_sides_from(x, first.input, before)))
    parts = _parts(stage, fields, x, previous, of_image=index == 0)
    if previous and previous.c == letter("c_p") and _reads_previous(parts[0].cost):
        values[letter("c_p")] = before.c
    repeats = {REPEAT: stage.repeat} if any(part.times.has(REPEAT) for part in parts) else {}
    form = ClosedForm(stage.block, parts, {**x_values, **values, **repeats}, actual)
    _require_agreement(form, actual)
    return form


def _lettered_input(x: Shape, y: Shape) -> tuple[Shape, dict[Symbol, int]]:
    """Return the input of a block in letters: its sides in h and w.

    These are the sides of the output, unless that is larger than the input or a single point.
    """
    values: dict[Symbol, int] = {}

    def named(name: str, size: int, number: int) -> int:
        """`size` in terms of the letter that stands for `number`, exactly."""
        if size == 1:
            return size
        values[letter(name)] = number
        factor = -(-size // number)
        dimension: int = factor * letter(name) + (size - factor * number)
        return dimension

    sides = x.dims[1:]
    if x.rank == y.rank == 3:
        pairs = zip(sides, y.dims[1:], strict=True)
        sides = tuple(map(named, "hw", sides, (o if 1 < o <= side else side for side, o in pairs)))
    elif x.rank == 3:
        sides = tuple(map(named, "hw", sides, sides))
    return Shape((named("c_i", x.c, x.c), *sides)), values


def _sides_from(x: Shape, x_here: Shape, before: Shape) -> tuple[int, ...]:
    """Sides of the input before x in terms of those of x, which are `x_here` in numbers."""
    if not x.rank == before.rank == 3:
        return before.dims[1:]
    sides = zip(x.dims[1:], x_here.dims[1:], before.dims[1:], strict=True)
    return tuple(
        -(-size // here) * side + size - -(-size // here) * here for side, here, size in sides
    )


def _reads_previous(cost: NetCost) -> bool:
    return any(PREVIOUS in node.inputs for node in cost.graph.nodes)


def _parts(
    stage: Stage, fields: Mapping[str, Any], x: Shape, previous: Shape | None, of_image: bool
) -> tuple[FormPart, ...]:
    """Return the blocks of a stage: the first and N - 1 others, or each one if their shapes differ.

    Of cells the first two, and N - 2 others; all N in one if the others are like the first. A cell
    never reads the image as the input before, so the second one does not if x is `of_image`.
    """
    later = later_fields(fields)
    inputs: tuple[Shape, Shape | None] = x, previous
    read = 2 if _reads_previous(block_cost(stage.block, fields, x, previous or x)) else 1
    parts: list[FormPart] = []
    for index in range(stage.repeat):
        cost = block_cost(stage.block, later if index else fields, *inputs)
        following = cost.graph.output, None if of_image and not index else inputs[0]
        if index and inputs[:read] == following[:read]:
            while parts and parts[-1].cost.graph.nodes == cost.graph.nodes:
                parts.pop()
            if not parts:
                return (FormPart("all N", REPEAT, cost),)
            if len(parts) == 1:
                parts = [replace(parts[0], label="first")]
            different = len(parts)
            return (*parts, FormPart(f"N - {different} later", REPEAT - different, cost))
        parts.append(FormPart(f"{index}" if stage.repeat > 1 else "", Integer(1), cost))
        inputs = following
    return tuple(parts)


def _require_agreement(form: ClosedForm, actual: Row) -> None:
    """Raise AntcostError for a block that takes another way with symbols than with numbers."""
    madds, params = value(form.madds, form.values), value(form.params, form.values)
    if madds != actual.madds or params != actual.params:
        raise AntcostError(
            f"block {form.block!r} cannot be run on symbols: it would have {madds} MAdds and "
            f"{params} parameters, not {actual.madds} and {actual.params}"
        )


def resolution_form(spec: NetSpec) -> ResolutionForm:
    """Return a network at every resolution that leaves the same remainder as the spec's own.

    With S the product of strides, a side is S * m + remainder, so that every map has an exact size.
    """
    actual = analyze_graph(build_graph(spec))
    channels, *numbers = spec.input
    values: dict[Symbol, int] = {}
    sides = []
    if len(numbers) == 2:
        for name, size, factor in zip("mn", numbers, downsampling(actual.graph), strict=True):
            values[letter(name)] = size // factor
            sides.append(factor * letter(name) + size % factor)
    with _on_symbols("the network"):
        graph = build_graph(replace(spec, input=(channels, *(sides or numbers))))
    return ResolutionForm(analyze_graph(graph), actual, tuple(sides), values)


def downsampling(graph: Graph) -> L.Pair:
    """Return how many times less high and wide than the input the smallest map is, by strides
    alone.
    """
    factors: dict[str, L.Pair] = {}
    for node in graph.nodes:
        before = [factors.get(name, (1, 1)) for name in node.inputs]
        s_h, s_w = _stride(node.layer)
        factors[node.name] = (
            s_h * lcm(*(h for h, _ in before)),
            s_w * lcm(*(w for _, w in before)),
        )
    return lcm(*(h for h, _ in factors.values())), lcm(*(w for _, w in factors.values()))


def _stride(layer: L.Layer) -> L.Pair:
    """Return how many times less high and wide than its input the output of a layer is."""
    match layer:
        case L.Conv2d(stride=stride) | L.MaxPool2d(stride=stride) | L.AvgPool2d(stride=stride):
            return stride
        case (
            L.ConvTranspose2d() | L.Linear() | L.BatchNorm() | L.Activation()
            | L.GlobalAvgPool() | L.Add() | L.Multiply() | L.Complement() | L.Concat()
            | L.ChannelShuffle() | L.SelectChannels() | L.Shift() | L.SliceChannels()
            | L.WeightedSum() | L.Flatten() | L.Dropout()
        ):  # fmt: skip
            return 1, 1
        case _:
            assert_never(layer)


def width_forms(spec: NetSpec) -> list[WidthForm]:
    """Return a network in its width alpha: one form, or two if the last convolution grows above 1
    only.

    None for a bound within which at most one width is exact, or if there are no channels to
    multiply.
    """
    below, above = (scaled_fields(spec, ALPHA, last, _times) for last in (Integer(1), ALPHA))
    if below == above:
        forms = [_width_form(spec, "", ALPHA)]
    else:
        forms = [
            _width_form(spec, "<=", Integer(1)),
            _width_form(spec, ">=", ALPHA),
        ]
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
        counts = expression(whole.madds), expression(whole.params)
        conditions = [*taken_for_granted(counts), *required([graph])]
        divisors = [condition.divisor for condition in conditions]
        if not divisors:
            break
        step *= lcm(*map(int, divisors))
    else:
        return None
    madds, params = (count.subs(j, ALPHA / step).expand() for count in counts)
    at_1 = analyze_graph(build_graph(replace(spec, width=1.0)))
    exact_at_1 = (madds.subs(ALPHA, 1), params.subs(ALPHA, 1)) == (at_1.madds, at_1.params)
    form = WidthForm(bound, madds, params, Fraction(step.p, step.q), exact_at_1)
    return None if bound == "<=" and form.widths_up_to_1 < 2 else form


def _times(channels: int, width: Any) -> Any:
    return channels * width
