"""`antcost export`: a network as a file for other programs."""

from pathlib import Path
from typing import Annotated

from typer import Option

from antcost.backends.export import Target, exported
from antcost.cli import options
from antcost.files import write_whole
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.load import load


def export(
    spec: options.Spec,
    to: Annotated[Target, Option(help="torch: for torch.export.load (.pt2); onnx: a model.")],
    output: Annotated[
        Path, Option("-o", "--output", metavar="FILE", help="Write atomically to a file.")
    ],
    seed: Annotated[
        int, Option(min=0, max=2**63 - 1, help="What the random weights come from.")
    ] = 0,
    set_: options.Set = None,
) -> None:
    """Write a network with random weights, in eval mode, for batches of any size."""
    write_whole(output, exported(build_graph(load(spec, set_ or ())), to, seed))
