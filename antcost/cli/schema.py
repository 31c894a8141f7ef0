"""`antcost schema`: the JSON Schema of specs, for editors."""

import json

import typer

from antcost.blocks.registry import STAGE_MODELS
from antcost.cli.options import OutputOption
from antcost.report.files import write_whole
from antcost.spec.schema import json_schema


def schema(output: OutputOption = None) -> None:
    """The JSON Schema of spec files, for completion and checking in editors."""
    text = json.dumps(json_schema(STAGE_MODELS), indent=2)
    if output is None:
        typer.echo(text)
    else:
        write_whole(output, text + "\n")
