"""From a spec to its Graph."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from antcost.blocks.registry import block_function
from antcost.errors import Problem, ShapeError, SpecError
from antcost.graph.graph import Graph, Origin
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape, Tensor
from antcost.sources.specs.model import NetSpec, Stage
from antcost.sources.specs.width import head_fields, stage_fields
from antcost.yamlfile.document import Key, dotted


def build_graph(spec: NetSpec, *, training: bool = False) -> Graph:
    """Run the blocks of every stage. Raises SpecError if shapes do not fit together.

    For `training` with the auxiliary heads, after the network whose output stays what it is.
    """
    return build_stages(spec, stage_fields(spec), training=training)


def build_stages(
    spec: NetSpec, fields_of_stages: Sequence[Mapping[str, Any]], *, training: bool = False
) -> Graph:
    """Return the same with other fields than the spec's for its stages."""
    net = Tape(Shape(spec.input))
    x = net.input
    outputs = {}
    for index, (stage, fields) in enumerate(zip(spec.stages, fields_of_stages, strict=True)):
        with _located(spec, ("stages", index)):
            x = outputs[stage.name] = run_stage(net, x, stage, fields)
    if x == net.input:
        raise SpecError([Problem(spec.document.where(()), "stages", "the network has no layers")])
    for number, head in enumerate(spec.auxiliary if training else ()):
        branch = outputs[head.after]
        for index, (stage, fields) in enumerate(
            zip(head.stages, head_fields(spec, head), strict=True)
        ):
            with _located(spec, ("auxiliary", number, "stages", index)):
                branch = run_stage(net, branch, stage, fields, training=True)
    return net.graph(spec.title, x)


@contextmanager
def _located(spec: NetSpec, key: Key) -> Iterator[None]:
    """Raise SpecError for shapes that do not fit into the stage at `key`."""
    try:
        yield
    except ShapeError as error:
        key = (*key, error.field) if error.field else key
        raise SpecError([Problem(spec.document.where(key), dotted(key), str(error))]) from None


def run_stage(
    net: Tape, x: Tensor, stage: Stage, fields: Mapping[str, Any], *, training: bool = False
) -> Tensor:
    """Run the blocks of one stage. Raises ShapeError if they cannot read their input.

    A stage that only training has is called so, in a way that no other can be called.
    """
    function = block_function(stage.block)
    later = later_fields(fields)
    title = f"training:{stage.name}" if training else stage.name
    for repeat in range(stage.repeat):
        name = f"{title}.{repeat}" if stage.repeat > 1 else title
        with net.block(Origin(title, repeat, stage.block, name, training), x):
            y = function(net, x, **(later if repeat else fields))
        net.made(x, y)
        x = y
    return x


def later_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a stage's blocks after the first: `stride` holds for that one only."""
    return {**fields, "stride": 1} if fields.get("stride") is not None else fields
