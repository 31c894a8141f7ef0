"""Parts of a search that do not depend on each other, as tasks for many processes or machines.

A task has the space as plain values; to make its tables again takes less than to send them.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from inspect import signature
from math import inf, isfinite
from pathlib import Path
from typing import Any

from antcost.cost.measures import Measure
from antcost.errors import AntcostError
from antcost.search.front import Point, find_point
from antcost.search.progress import Moment
from antcost.search.run import Candidate, Report, checked_slices, find_best, network_of
from antcost.search.space import Space, from_plain, to_plain
from antcost.search.tasks import Task, clear_store, run_tasks
from antcost.sources.specs.build import build_graph


def front_points(
    space: Space,
    axes: Sequence[Measure],
    budgets: Iterable[tuple[int, ...]],
    *,
    limit_s: float = inf,
    workers: int = 1,
    cluster: str | None = None,
    store: Path | None = None,
) -> Iterator[Point]:
    """The points of a front in the order they are finished; `limit_s` is for each of them.

    A store has those that are finished until all are.
    """
    names = [measure.name for measure in axes]
    plain = to_plain(space)
    tasks = [
        Task(_point, {"space": plain, "axes": names, "limits": limits, "limit_s": limit_s})
        for limits in budgets
    ]
    for _, result in run_tasks(tasks, workers=workers, cluster=cluster, store=store):
        yield _read_point(json.loads(result))
    if store is not None:
        clear_store(tasks, store)


def _point(payload: Mapping[str, Any]) -> bytes:
    space = from_plain(payload["space"])
    axes = [space.measures[name] for name in payload["axes"]]
    point = find_point(space, axes, tuple(payload["limits"]), payload["limit_s"])
    return json.dumps(asdict(point)).encode()


def _read_point(data: Mapping[str, Any]) -> Point:
    best = data["best"] and Candidate(**data["best"])
    return Point(tuple(data["limits"]), best, data["upper"], data["proven"])


def run_search_parallel(
    report: Report, *, limit_s: float = inf, workers: int = 1, cluster: str | None = None
) -> Iterator[int]:
    """Solve every slice of the space as a task of its own; yields how many are done.

    What is known is in the report at any time, though no bound before all are done.
    """
    space = report.space
    plain = to_plain(space)
    count = len(checked_slices(space))
    tasks = [
        Task(_part, {"space": plain, "part": part, "limit_s": limit_s}) for part in range(count)
    ]
    upper, start = -inf, time.perf_counter()
    for done, (_, result) in enumerate(run_tasks(tasks, workers=workers, cluster=cluster), 1):
        data = json.loads(result)
        best = data["best"] and Candidate(**data["best"])
        if best is not None and best.worth > report.lower:
            report.best = best
            report.prices = {
                bound: data["prices"][str(bound)]
                for bound in space.bounds
                if str(bound) in data["prices"]
            }
        for name in ("size", "ways", "ways_eliminated", "looked_at"):
            setattr(report, name, getattr(report, name) + data[name])
        report.solver = "milp" if "milp" in (report.solver, data["solver"]) else "labels"
        report.interrupted |= data["interrupted"]
        upper = max(upper, data["upper"])
        if done == count:
            report.upper = max(upper, report.lower)
        report.seconds = time.perf_counter() - start
        report.history.append(Moment(report.seconds, report.lower, report.upper))
        yield done


def _part(payload: Mapping[str, Any]) -> bytes:
    report = find_best(
        from_plain(payload["space"]), limit_s=payload["limit_s"], part=payload["part"]
    )
    names = ("upper", "solver", "size", "ways", "ways_eliminated", "looked_at", "interrupted")
    data = {name: getattr(report, name) for name in names}
    data["best"] = None if report.best is None else asdict(report.best)
    data["prices"] = {str(bound): price for bound, price in report.prices.items()}
    return json.dumps(data).encode()


def reranked(
    report: Report, function: str, *, workers: int = 1, cluster: str | None = None
) -> Iterator[tuple[Candidate, float]]:
    """What a user's function says of each of the nearly best networks, as they are finished.

    `function` is "module:function", looked for in the working directory, too. It is given the
    Graph of a network; or the torch module, if its first argument is called `module`.
    Raises AntcostError for a function that cannot be loaded or does not return a number.
    """
    load_function(function)
    plain = to_plain(report.space)
    tasks = {
        number: Task(
            _scored,
            {
                "space": plain,
                "number": number,
                "candidate": asdict(one),
                "function": function,
                "folder": str(Path.cwd()),
            },
        )
        for number, one in enumerate(report.near)
    }
    for task, result in run_tasks(tasks.values(), workers=workers, cluster=cluster):
        yield report.near[task.payload["number"]], json.loads(result)


def _scored(payload: Mapping[str, Any]) -> bytes:
    function = load_function(payload["function"], payload["folder"])
    space = from_plain(payload["space"])
    graph = build_graph(network_of(space, Candidate(**payload["candidate"])))
    argument: Any = graph
    if next(iter(signature(function).parameters), "") == "module":
        from antcost.backends.torch_module import torch_module

        argument = torch_module(graph)
    try:
        score = float(function(argument))
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AntcostError(f"--rerank {payload['function']}: fails with {reason:.200}") from None
    if not isfinite(score):
        raise AntcostError(f"--rerank {payload['function']}: returned {score}, which has no rank")
    return json.dumps(score).encode()


def load_function(text: str, folder: str | None = None) -> Any:
    """The function that "module:function" names. Raises AntcostError."""
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
