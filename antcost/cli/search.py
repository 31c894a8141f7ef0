"""`antcost search`: the best network that fits, with a proof."""

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from antcost.charts.files import check_figure, draw, linked
from antcost.cli import options
from antcost.cli.output import Output, Printing, emit
from antcost.cli.progress import progress, status
from antcost.cost.budget import find_measure
from antcost.errors import AntcostError
from antcost.files import require_writable, write_whole
from antcost.sources.analyze import analyze
from antcost.units import format_change

if TYPE_CHECKING:
    from antcost.search.result import SearchResult
    from antcost.search.space import Space


@dataclass(frozen=True, slots=True)
class Run:
    """How a search is to be run, and where its results go."""

    space: "Space"
    limit_s: float
    workers: int
    cluster: str | None
    printing: Printing
    output: Path | None
    figure: Path | None


def search(
    space: options.Space,
    *,
    budgets: options.Budgets,
    rho: Annotated[
        list[str] | None,
        Option(metavar="BOUND", help="Depth over width, DeepMAD's effectiveness: <= 1.0."),
    ] = None,
    objective: Annotated[
        str | None,
        Option(metavar="TEXT", help='entropy, zen, scores, "max madds", "min latency", ...'),
    ] = None,
    device: options.Device = None,
    scores: Annotated[
        Path | None, Option(metavar="FILE", help="What each choice is worth, for scores.")
    ] = None,
    choose: options.Choose = None,
    rule: options.Rule = None,
    set_: options.Set = None,
    top: Annotated[int | None, Option(metavar="N", min=1, help="The N best networks.")] = None,
    within: Annotated[
        str | None,
        Option(metavar="PERCENT", help="All networks within this percentage of the best."),
    ] = None,
    rerank: Annotated[
        str | None,
        Option(metavar="MODULE:FUNCTION", help="Order those by what your function says of each."),
    ] = None,
    front: Annotated[
        str | None,
        Option(metavar="A[,B]", help="The best network for each of many budgets of A (and B)."),
    ] = None,
    points: Annotated[int, Option(metavar="N", min=2, max=1000, help="Budgets of --front.")] = 21,
    time_limit: Annotated[
        float | None,
        Option(metavar="SECONDS", min=0, help="Stop then, with the bound known so far."),
    ] = None,
    workers: options.Workers = 1,
    cluster: options.Cluster = None,
    figure: Annotated[
        Path | None, Option(metavar="FILE", help="Draw the search or the front: .svg, .pdf, .png.")
    ] = None,
    printing: Printing,
    output: Annotated[
        Path | None,
        Option("-o", "--output", metavar="FILE", help="Write the best as a spec, or the front."),
    ] = None,
) -> None:
    """Find the network of a space that is best by an objective within budgets, and prove it.

    A budget is an upper bound; ">= 250M" makes a lower one. Exit code 1 if no network fits.
    """
    _require_packages()
    from antcost.search.space import SearchOptions, load_space

    if figure is not None:
        check_figure(figure)
    if front is not None and (top, within, rerank) != (None, None, None):
        raise AntcostError("--front goes without --top, --within and --rerank")
    asked = {**budgets.asked(), **({"rho": rho} if rho else {})}
    request = SearchOptions(
        tuple(set_ or ()), tuple(choose or ()), tuple(rule or ()), asked, objective, device, scores
    )
    loaded = load_space(space, request)
    if output is not None:
        _require_writable(output, loaded)
    limit_s = inf if time_limit is None else time_limit
    run = Run(loaded, limit_s, workers, cluster, printing, output, figure)
    if front is not None:
        _front(run, front, points)
    else:
        _best(run, top, None if within is None else options.read_share("--within", within), rerank)


def _require_packages() -> None:
    if find_spec("numpy") is None or find_spec("scipy") is None or find_spec("joblib") is None:
        raise AntcostError("search needs NumPy, SciPy and joblib: pip install 'antcost[search]'")


def _require_writable(output: Path, space: "Space") -> None:
    """Raise AntcostError, before any work, if the output cannot be written or is an input."""
    require_writable(output)
    if output.resolve() in {Path(origin).resolve() for origin in space.sources.files}:
        raise AntcostError(f"{output}: is read by this search; choose another output")


def _best(run: Run, count: int | None, within: float | None, function: str | None) -> None:
    """Find, prove, print and write the best network, and the next ones that were asked for."""
    from antcost.search.rerank import load_function
    from antcost.search.run import network_of
    from antcost.search.top_k import require_sums
    from antcost.views.search import result_tables
    from antcost.views.winner import require_same_counts, winner_spec

    wants_top = count is not None or within is not None
    if function is not None:
        load_function(function)
        if not wants_top:
            raise AntcostError("--rerank needs candidates to rank: --top N or --within PERCENT")
    if wants_top:
        require_sums(run.space)
    result, stopped = _search(run)
    if result.best is None:
        _say_why_nothing_fits(result, run, stopped)
    if wants_top and not stopped:
        result, stopped = _with_top(result, run, count, within, function)
    best = analyze(network_of(run.space, result.chosen))
    base = analyze(run.space.base)
    main, *details = result_tables(result, base, run.printing.exact)
    emit(main, run.printing, details)
    if run.output is not None:
        write_whole(run.output, winner_spec(result, run.output))
        require_same_counts(result, run.output)
    if run.figure is not None:
        from antcost.charts.search import search_figure

        draw(search_figure(result, base, best), run.figure)
    if stopped:
        raise typer.Exit(130)


def _search(run: Run) -> tuple["SearchResult", bool]:
    """Search and show how the bounds close in; the second is whether Ctrl-C ended it."""
    from antcost.search.result import SearchResult
    from antcost.search.run import checked_slices, run_search, run_search_parallel

    start = time.perf_counter()
    latest, parts = SearchResult(run.space), len(checked_slices(run.space))
    parallel = parts > 1 and (run.workers > 1 or run.cluster is not None)
    with progress("solving", parts) if parallel else status("searching") as show:

        def keep(result: SearchResult) -> None:
            nonlocal latest
            latest = result
            show(_bounds(result))

        try:
            if parallel:
                result = run_search_parallel(
                    run.space, run.limit_s, workers=run.workers, cluster=run.cluster,
                    on_progress=keep,
                )  # fmt: skip
            else:
                result = run_search(run.space, run.limit_s, on_progress=keep)
        except KeyboardInterrupt:
            seconds = time.perf_counter() - start
            return replace(latest, interrupted=True, seconds=seconds), True
    return result, False


def _bounds(result: "SearchResult") -> str:
    """Return such as: best 12,336.63, bound 12,411.39, gap +0.6 %."""
    from antcost.views.winner import format_worth

    parts = []
    if result.best is not None:
        parts.append(f"best {format_worth(result.space, result.best.worth)}")
    if abs(result.upper) < inf:
        parts.append(f"bound {format_worth(result.space, result.upper)}")
    if result.gap < inf:
        parts.append(f"gap {format_change(Fraction(result.gap))}")
    return ", ".join(parts)


def _with_top(
    result: "SearchResult",
    run: Run,
    count: int | None,
    within: float | None,
    function: str | None,
) -> tuple["SearchResult", bool]:
    """Look for the next best networks and rank them; the second is whether Ctrl-C ended it.

    What has been proven is not lost if that is too long or impossible: a line says so.
    """
    from antcost.search.progress import Progress, TimeUpError
    from antcost.search.rerank import rerank
    from antcost.search.top_k import find_top_k

    clock = Progress(limit_s=run.limit_s - result.seconds)
    try:
        with status("looking for the next best"):
            top = find_top_k(result, count=count, within=within, stop=clock.stop_in_time)
        result = replace(result, top=top)
        if function is not None:
            with progress("ranking", len(top.networks)) as advance:
                top = rerank(
                    run.space, top, function, workers=run.workers, cluster=run.cluster,
                    on_progress=advance,
                )  # fmt: skip
            result = replace(result, top=top)
    except KeyboardInterrupt:
        typer.echo("interrupted while looking for the next best; the best is proven", err=True)
        return result, True
    except TimeUpError:
        typer.echo("the time was over before all of the next best were found", err=True)
    except AntcostError as error:
        if result.top.networks:
            raise
        typer.echo(error, err=True)
    return result, False


def _say_why_nothing_fits(result: "SearchResult", run: Run, stopped: bool) -> None:
    """Print what each budget could be at best, and end with exit code 1."""
    from antcost.search.infeasible import diagnose_bounds, require_networks
    from antcost.views.search import infeasible_table

    if stopped:
        typer.echo("interrupted before any network within the budget was found", err=True)
        raise typer.Exit(130)
    if not result.proven:
        typer.echo("no network within the budget was found in time; there may be one", err=True)
        raise typer.Exit(1)
    require_networks(run.space)
    with status("looking for what conflicts"):
        found = list(diagnose_bounds(run.space))
    emit(infeasible_table(run.space, found), run.printing)
    raise typer.Exit(1)


def _front(run: Run, axes_text: str, count: int) -> None:
    """Print, write and draw the best network for each budget."""
    from antcost.search.front import Front, budgets_of, front_points, reference_networks
    from antcost.views.search import front_table

    space = run.space
    axes = [find_measure(space.measures, name.strip()) for name in axes_text.split(",")]
    found, interrupted = [], False
    try:
        with status("looking for the ends of the front"):
            budgets = budgets_of(space, axes, count)
        with progress("budgets", len(budgets)) as advance:
            for point in front_points(
                space, axes, budgets, limit_s=run.limit_s, workers=run.workers, cluster=run.cluster
            ):
                found.append(point)
                advance("")
    except KeyboardInterrupt:
        interrupted = True
    found.sort(key=lambda point: point.limits)
    result = Front(space, tuple(axes), tuple(found), tuple(reference_networks(space)))
    table = front_table(result)
    if run.figure is not None and not interrupted:
        from antcost.charts.fronts import front_figure

        draw(front_figure(result), run.figure)
        table = replace(table, figure=linked(run.figure, run.output))
    emit(table, Output(run.printing.exact, run.printing.format_, run.output))
    if interrupted:
        typer.echo(f"interrupted after {len(found)} budgets", err=True)
        raise typer.Exit(130)
