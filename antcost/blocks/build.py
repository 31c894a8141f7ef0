"""From a spec to its Graph."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from antcost.blocks.registry import STAGE_MODELS, block_function
from antcost.blocks.width import stage_fields
from antcost.errors import Problem, ShapeError, SpecError
from antcost.graph.graph import Graph, Place
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape, Tensor
from antcost.spec.document import Key, dotted
from antcost.spec.load import load_spec
from antcost.spec.model import NetSpec, Stage


def load(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> NetSpec:
    """Read a spec: the name of a shipped network, a file, or a mapping with a spec's fields.

    `overrides` are "path=value" texts such as "ant[2-7].groups=2", applied last.
    Raises SpecError with everything that is wrong, a line each.
    """
    return load_spec(source, STAGE_MODELS, overrides)


def build_graph(spec: NetSpec) -> Graph:
    """Run the blocks of every stage. Raises SpecError if shapes do not fit together."""
    return build_stages(spec, stage_fields(spec))


def build_stages(spec: NetSpec, fields_of_stages: Sequence[Mapping[str, Any]]) -> Graph:
    """The same with other fields than the spec's for its stages."""
    net = Tape(Shape(spec.input))
    x = net.input
    for index, (stage, fields) in enumerate(zip(spec.stages, fields_of_stages, strict=True)):
        try:
            x = run_stage(net, x, stage, fields)
        except ShapeError as error:
            key: Key = ("stages", index, error.field) if error.field else ("stages", index)
            problem = Problem(spec.document.where(key), dotted(key), str(error))
            raise SpecError([problem]) from None
    if x == net.input:
        raise SpecError([Problem(spec.document.where(()), "stages", "the network has no layers")])
    return net.graph(spec.title, x)


def run_stage(net: Tape, x: Tensor, stage: Stage, fields: Mapping[str, Any]) -> Tensor:
    """Run the blocks of one stage. Raises ShapeError if they cannot read their input."""
    function = block_function(stage.block)
    later = later_fields(fields)
    for repeat in range(stage.repeat):
        name = f"{stage.name}.{repeat}" if stage.repeat > 1 else stage.name
        with net.block(Place(stage.name, repeat, stage.block, name)):
            x = function(net, x, **(later if repeat else fields))
    return x


def later_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a stage's blocks after the first: `stride` holds for that one only."""
    return {**fields, "stride": 1} if fields.get("stride") is not None else fields
