"""The network that was found, as a spec that says how."""

from collections.abc import Iterator
from fractions import Fraction
from os.path import relpath
from pathlib import Path
from typing import Any

import yaml

from antcost.cost.analysis import analyze_graph
from antcost.search.result import SearchResult
from antcost.search.run import objective_of
from antcost.search.space import Space
from antcost.sources.specs.build import build_graph
from antcost.sources.specs.catalog import shipped_names
from antcost.sources.specs.load import load
from antcost.tables.table import Quantity, show
from antcost.units import format_change, format_exact, format_size
from antcost.version import __version__
from antcost.yamlfile.document import read_value


def winner_spec(result: SearchResult, output: Path) -> str:
    """Return the text of a spec for this file: `extends` the base and `set` what was chosen.

    Its head has the objective, the budgets and what is proven.
    """
    space = result.space
    lines = [
        *(f"# {line}" for line in _head(result)),
        f"name: {_plain(f'{space.base.name}, found for {space.name}')}",
        f"extends: {_plain(_base_reference(result, output))}",
        "set:",
        *(f"  {_plain(path)}: {_plain(value)}" for path, value in settings(result).items()),
    ]
    return "\n".join(lines) + "\n"


def settings(result: SearchResult) -> dict[str, Any]:
    """Return what is set on the file of the base: by --set, then by the search."""
    texts = (text.partition("=") for text in result.space.base.overrides)
    before = {path.strip(): read_value(value) for path, _, value in texts}
    return {**before, **result.chosen.values}


def require_same_counts(result: SearchResult, path: Path) -> None:
    """Assert that the spec in this file, if it is one, costs what the search counted."""
    if not path.is_file():
        return
    cost = analyze_graph(build_graph(load(path.resolve())))
    for measure in result.space.measures.values():
        assert measure.of(cost) == result.chosen.counts[measure.name], (path, measure.name)


def verdict(result: SearchResult) -> str:
    """Say what is proven of the best network."""
    if result.proven:
        return f"Proven: none of the {format_size(result.size)} networks is better."
    if result.gap == float("inf"):
        return "Not proven: ended before there was a bound on what is possible."
    upper, gap = format_worth(result.space, result.upper), format_change(Fraction(result.gap))
    return f"Not proven: no network can be better than {upper}, {gap} away."


def worth_text(space: Space, worth: float, exact: bool = False) -> str:
    """Write "max entropy = 12,336.63" or "min madds = 82.1M"."""
    return f"{objective_of(space)} = {format_worth(space, worth, exact)}"


def format_worth(space: Space, worth: float, exact: bool = False) -> str:
    """Print what a network is worth."""
    return str(show(worth_value(space, worth), "score", exact))


def worth_value(space: Space, worth: float) -> Quantity | float:
    """Return the worth: as a cost where the objective is one, which counts negatively."""
    weights = objective_of(space).weights
    name, *others = weights
    if name in space.measures and not others and abs(weights[name]) == 1:
        return Quantity(round(abs(worth)), space.measures[name].unit)
    return worth


def _head(result: SearchResult) -> Iterator[str]:
    space, chosen = result.space, result.chosen
    yield f"Found by antcost {__version__}: {worth_text(space, chosen.worth, exact=True)}."
    yield verdict(result)
    for bound in space.bounds:
        yield f"{bound}: {format_exact(chosen.counts[bound.measure.name])}"
    if space.rho is not None:
        yield f"rho <= {space.rho:g}"


def _base_reference(result: SearchResult, output: Path) -> str:
    """Return the base as a file in the output's folder calls it."""
    name = result.space.sources.base_name
    if name in shipped_names():
        return name
    return Path(relpath(result.space.base.document.origin, output.parent)).as_posix()


def _plain(value: Any) -> str:
    """Write a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()
