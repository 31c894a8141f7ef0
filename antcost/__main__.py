"""The `antcost` command, also as `python -m antcost`."""

import gc
import io
import os
import sys


def main() -> None:
    """Run the command line.

    Start-up is most of a run, so it is kept short: loading modules makes no garbage to collect
    (`cli.app` turns the collector on again when they are loaded), and pydantic need not search
    every installed package for plugins.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from antcost.cli.app import app

    app(prog_name="antcost")


if __name__ == "__main__":
    main()
