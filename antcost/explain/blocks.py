"""Closed forms of blocks and stages: they run on SymPy symbols, with the shape rules and formulas.

This module needs SymPy; it is imported when first used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, get_origin

from sympy import Add, Expr, Integer, Symbol

from antcost.cost.analysis import Row, analyze_graph
from antcost.errors import AntcostError, ShapeError, suggest
from antcost.explain.symbols import (
    LETTERS,
    REPEAT,
    H,
    W,
    letter,
    on_symbols,
    value,
)
from antcost.graph import layers as L
from antcost.graph.shape import Shape
from antcost.graph.tape import PREVIOUS, Tape, Tensor
from antcost.sources.specs.build import build_graph, run_stage
from antcost.sources.specs.model import NetSpec, Stage
from antcost.sources.specs.settings import find_stage_model, set_fields
from antcost.sources.specs.width import stage_fields


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
    with on_symbols(f"block {stage.block!r}"):
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


def _require_agreement(form: ClosedForm, actual: Row) -> None:
    """Raise AntcostError for a block that takes another way with symbols than with numbers."""
    madds, params = value(form.madds, form.values), value(form.params, form.values)
    if madds != actual.madds or params != actual.params:
        raise AntcostError(
            f"block {form.block!r} cannot be run on symbols: it would have {madds} MAdds and "
            f"{params} parameters, not {actual.madds} and {actual.params}"
        )
