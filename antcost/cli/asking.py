"""Asking other tools what they count, with a bar on a terminal."""

from collections.abc import Sequence
from importlib.util import find_spec

from antcost.check.comparison import Check, check
from antcost.check.tools import TOOLS
from antcost.cli.progress import progress
from antcost.cost.analysis import NetCost
from antcost.errors import AntcostError


def require_torch() -> None:
    """Raise AntcostError where the tools have nothing to count."""
    if find_spec("torch") is None:
        raise AntcostError("antcost check needs torch: pip install 'antcost[check]'")


def ask_tools(costs: Sequence[NetCost]) -> tuple[list[Check], bool]:
    """The checks in the order of networks and tools, and whether Ctrl-C ended them early."""
    checks: list[Check] = []
    interrupted = False
    try:
        with progress("counting", len(costs) * len(TOOLS)) as advance:
            for done in check(costs):
                checks.append(done)
                advance(f"{done.cost.graph.name}: {done.tool.name}")
    except KeyboardInterrupt:
        interrupted = True
    order = {id(cost): index for index, cost in enumerate(costs)}
    tools = list(TOOLS)
    checks.sort(key=lambda one: (order[id(one.cost)], tools.index(one.tool.name)))
    return checks, interrupted
