"""`antcost schema`: the JSON Schema of specs, for editors."""

import json

import typer

from antcost.cli import options
from antcost.files import write_whole
from antcost.sources.specs.schema import json_schema


def schema(output: options.Output = None) -> None:
    """Print the JSON Schema of spec files, for completion and checking in editors."""
    text = json.dumps(json_schema(), indent=2)
    if output is None:
        typer.echo(text)
    else:
        write_whole(output, text + "\n")
