"""Put the best networks into the order of a user's own function."""

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from inspect import signature
from math import isfinite
from pathlib import Path
from typing import Any

from antcost.errors import AntcostError
from antcost.search.parallel import run_calls
from antcost.search.result import Candidate, TopK
from antcost.search.run import network_of
from antcost.search.space import Space
from antcost.sources.specs.build import build_graph


def rerank(
    space: Space,
    top: TopK,
    function: str,
    *,
    workers: int = 1,
    cluster: str | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> TopK:
    """Return the networks in the order of what a user's function returns for each, highest first.

    `function` is "module:function", looked for in the working directory, too. It is given the
    Graph of a network; or the torch module, if its first argument is called `module`.
    Raises AntcostError for a function that cannot be loaded or does not return a number.
    """
    load_function(function)
    calls = [(space, one, function, str(Path.cwd())) for one in top.networks]
    scored = []
    for number, score in run_calls(score_network, calls, workers=workers, cluster=cluster):
        scored.append((score, top.networks[number]))
        on_progress("")
    scored.sort(key=lambda pair: (-pair[0], -pair[1].worth, str(pair[1].values)))
    scores, networks = zip(*scored, strict=True)
    return replace(top, networks=networks, scores=scores)


def score_network(space: Space, network: Candidate, name: str, folder: str) -> float:
    """Return what the function of this name returns for a network. Raises AntcostError."""
    function = load_function(name, folder)
    graph = build_graph(network_of(space, network))
    argument: Any = graph
    if next(iter(signature(function).parameters), "") == "module":
        from antcost.backends.torch_module import torch_module

        argument = torch_module(graph)
    try:
        score = float(function(argument))
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AntcostError(f"--rerank {name}: fails with {reason:.200}") from None
    if not isfinite(score):
        raise AntcostError(f"--rerank {name}: returned {score}, which has no rank")
    return score


def load_function(text: str, folder: str | None = None) -> Any:
    """Return the function that "module:function" names. Raises AntcostError."""
    module, colon, name = text.partition(":")
    if not colon:
        raise AntcostError(f"--rerank {text}: expected MODULE:FUNCTION, such as my_scores:accuracy")
    folder = str(Path.cwd()) if folder is None else folder
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise AntcostError(f"--rerank {text}: {error}") from None
    if not callable(function):
        raise AntcostError(f"--rerank {text}: is no function")
    return function
