"""`python -m antcost` is the `antcost` command."""

from antcost.cli.app import app

app(prog_name="antcost")
