"""`antcost search`: the best network that fits, with a proof."""

from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from antcost.charts.files import check_figure, draw, linked
from antcost.cli.options import (
    ChooseOption,
    ClusterOption,
    DeviceOption,
    ExactOption,
    FormatOption,
    LatencyBounds,
    MaddsBounds,
    ParamsBounds,
    PeakMemoryBounds,
    RuleOption,
    SetOption,
    SizeBounds,
    SpaceArgument,
    TrafficBounds,
    WorkersOption,
)
from antcost.cli.output import Output, emit
from antcost.cli.progress import progress, status
from antcost.errors import AntcostError
from antcost.files import write_whole
from antcost.sources.analyze import analyze
from antcost.tables.formats import Format
from antcost.units import format_change

if TYPE_CHECKING:
    from antcost.search.run import Report
    from antcost.search.space import Space


@dataclass(frozen=True, slots=True)
class Run:
    """How a search is to be run, and where its results go."""

    space: "Space"
    limit_s: float
    workers: int
    cluster: str | None
    exact: bool
    format: Format
    output: Path | None
    figure: Path | None


def search(
    space: SpaceArgument,
    madds: MaddsBounds = None,
    params: ParamsBounds = None,
    size: SizeBounds = None,
    traffic: TrafficBounds = None,
    peak_memory: PeakMemoryBounds = None,
    latency: LatencyBounds = None,
    rho: Annotated[
        list[str] | None,
        Option(metavar="BOUND", help="Depth over width, DeepMAD's effectiveness: <= 1.0."),
    ] = None,
    objective: Annotated[
        str | None,
        Option(metavar="TEXT", help='entropy, zen, scores, "max madds", "min latency", ...'),
    ] = None,
    device: DeviceOption = None,
    scores: Annotated[
        Path | None, Option(metavar="FILE", help="What each choice is worth, for scores.")
    ] = None,
    choose: ChooseOption = None,
    rule: RuleOption = None,
    set_: SetOption = None,
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
    workers: WorkersOption = 1,
    cluster: ClusterOption = None,
    figure: Annotated[
        Path | None, Option(metavar="FILE", help="Draw the search or the front: .svg, .pdf, .png.")
    ] = None,
    exact: ExactOption = False,
    format_: FormatOption = "text",
    output: Annotated[
        Path | None,
        Option("-o", "--output", metavar="FILE", help="Write the best as a spec, or the front."),
    ] = None,
) -> None:
    """The network of a space that is best by an objective within budgets, and a proof of it.

    A budget is an upper bound; ">= 250M" makes a lower one. Exit code 1 if no network fits.
    """
    _require_packages()
    from antcost.search.space import SearchOptions, load_space

    if figure is not None:
        check_figure(figure)
    if front is not None and (top, within, rerank) != (None, None, None):
        raise AntcostError("--front goes without --top, --within and --rerank")
    bounds = {
        "madds": madds, "params": params, "size": size, "traffic": traffic,
        "peak_memory": peak_memory, "latency": latency, "rho": rho,
    }  # fmt: skip
    asked = {name: texts for name, texts in bounds.items() if texts}
    request = SearchOptions(
        tuple(set_ or ()), tuple(choose or ()), tuple(rule or ()), asked, objective, device, scores
    )
    loaded = load_space(space, request)
    if output is not None:
        _require_writable(output, loaded)
    limit_s = inf if time_limit is None else time_limit
    run = Run(loaded, limit_s, workers, cluster, exact, format_, output, figure)
    if front is not None:
        _front(run, front, points)
    else:
        _best(run, top, _share(within), rerank)


def _require_packages() -> None:
    if find_spec("numpy") is None or find_spec("scipy") is None or find_spec("joblib") is None:
        raise AntcostError("search needs NumPy, SciPy and joblib: pip install 'antcost[search]'")


def _require_writable(output: Path, space: "Space") -> None:
    """Raise AntcostError, before any work, if the output cannot be written or is an input."""
    if not output.parent.is_dir() or output.is_dir():
        problem = "is a folder" if output.is_dir() else "no such folder"
        raise AntcostError(f"{output}: cannot be written: {problem}")
    if output.resolve() in {Path(origin).resolve() for origin in space.sources.files}:
        raise AntcostError(f"{output}: is read by this search; choose another output")


def _share(text: str | None) -> float | None:
    """Read "0.1%" as 0.001. Raises AntcostError."""
    if text is None:
        return None
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1
    if not (text.strip().endswith("%") and 0 <= share < 1):
        raise AntcostError(f"--within {text}: expected a percentage, such as 0.1%")
    return share


def _best(run: Run, top: int | None, within: float | None, rerank: str | None) -> None:
    """Find, prove, print and write the best network, and the next ones that were asked for."""
    from antcost.search.parallel import load_function
    from antcost.search.run import Report, network_of
    from antcost.search.top_k import require_sums
    from antcost.search.winner import require_same_counts, winner_spec
    from antcost.views.search import result_tables

    wants_near = top is not None or within is not None
    if rerank is not None:
        load_function(rerank)
        if not wants_near:
            raise AntcostError("--rerank needs candidates to rank: --top N or --within PERCENT")
    if wants_near:
        require_sums(run.space)
    report = Report(run.space)
    stopped = _fill(report, run)
    if report.best is None:
        _say_why_nothing_fits(report, run, stopped)
    if wants_near and not stopped:
        stopped = _fill_near(report, run, top, within, rerank)
    chosen = report.chosen
    best = analyze(network_of(run.space, chosen))
    base = analyze(run.space.base)
    main, *details = result_tables(report, base, run.exact)
    emit(main, Output(run.exact, run.format, None), details)
    if run.output is not None:
        write_whole(run.output, winner_spec(report, chosen, run.output))
        require_same_counts(report, chosen, run.output)
    if run.figure is not None:
        from antcost.charts.search import search_figure

        draw(search_figure(report, base, best), run.figure)
    if stopped:
        raise typer.Exit(130)


def _fill_near(
    report: "Report", run: Run, top: int | None, within: float | None, rerank: str | None
) -> bool:
    """Look for the next best networks and rank them; whether Ctrl-C ended it.

    What has been proven is not lost if that is too long or impossible: a line says so.
    """
    from antcost.search.progress import Progress, TimeUpError
    from antcost.search.top_k import find_top_k

    clock = Progress(limit_s=run.limit_s - report.seconds)
    try:
        with status("looking for the next best"):
            find_top_k(report, count=top, within=within, stop=clock.stop_in_time)
        if rerank is not None:
            _rerank(report, rerank, run)
    except KeyboardInterrupt:
        typer.echo("interrupted while looking for the next best; the best is proven", err=True)
        return True
    except TimeUpError:
        typer.echo("the time was over before all of the next best were found", err=True)
    except AntcostError as error:
        if rerank is not None and report.near:
            raise
        typer.echo(error, err=True)
    return False


def _fill(report: "Report", run: Run) -> bool:
    """Search, and show on a terminal how the bounds close in; whether Ctrl-C ended it."""
    from antcost.search.parallel import run_search_parallel
    from antcost.search.run import checked_slices, fill

    parts = len(checked_slices(run.space))
    try:
        if parts > 1 and (run.workers > 1 or run.cluster):
            with progress("solving", parts) as advance:
                for done in run_search_parallel(
                    report, limit_s=run.limit_s, workers=run.workers, cluster=run.cluster
                ):
                    advance(f"{done} of {parts} parts")
        else:
            with status("searching") as show:
                fill(report, limit_s=run.limit_s, tell=lambda now: show(_bounds(now)))
    except KeyboardInterrupt:
        report.interrupted = True
        return True
    return False


def _bounds(report: "Report") -> str:
    """For example: best 12,336.63, bound 12,411.39, gap +0.6 %."""
    from antcost.search.winner import format_worth

    parts = []
    if report.best is not None:
        parts.append(f"best {format_worth(report.space, report.best.worth)}")
    if abs(report.upper) < inf:
        parts.append(f"bound {format_worth(report.space, report.upper)}")
    if report.gap < inf:
        parts.append(f"gap {format_change(Fraction(report.gap))}")
    return ", ".join(parts)


def _say_why_nothing_fits(report: "Report", run: Run, stopped: bool) -> None:
    """Print what each budget could be at best, and end with exit code 1."""
    from antcost.search.infeasible import diagnose_bounds, require_networks
    from antcost.views.search import infeasible_table

    if stopped:
        typer.echo("interrupted before any network within the budget was found", err=True)
        raise typer.Exit(130)
    if not report.proven:
        typer.echo("no network within the budget was found in time; there may be one", err=True)
        raise typer.Exit(1)
    require_networks(run.space)
    with status("looking for what conflicts"):
        found = list(diagnose_bounds(run.space))
    emit(infeasible_table(run.space, found), Output(run.exact, run.format, None))
    raise typer.Exit(1)


def _rerank(report: "Report", function: str, run: Run) -> None:
    """Put the nearly best networks into the order of a user's function, the highest first."""
    from antcost.search.parallel import reranked

    scored = []
    with progress("ranking", len(report.near)) as advance:
        for one, score in reranked(report, function, workers=run.workers, cluster=run.cluster):
            scored.append((score, one))
            advance("")
    scored.sort(key=lambda pair: (-pair[0], -pair[1].worth, str(pair[1].values)))
    report.near = tuple(one for _, one in scored)
    report.scores = tuple(score for score, _ in scored)


def _front(run: Run, axes_text: str, count: int) -> None:
    """The best network for each budget, as a table and a figure."""
    from antcost.cost.budget import find_measure
    from antcost.search.front import Front, budgets_of, reference_networks
    from antcost.search.parallel import front_points
    from antcost.views.search import front_table

    space = run.space
    axes = [find_measure(space.measures, name.strip()) for name in axes_text.split(",")]
    found, interrupted = [], False
    try:
        with status("looking for the ends of the front"):
            budgets = budgets_of(space, axes, count)
        with progress("budgets", len(budgets)) as advance:
            for point in front_points(
                space, axes, budgets, limit_s=run.limit_s,
                workers=run.workers, cluster=run.cluster, store=_store(run.output),
            ):  # fmt: skip
                found.append(point)
                advance("")
    except KeyboardInterrupt:
        interrupted = True
    found.sort(key=lambda point: point.limits)
    result = Front(space, tuple(axes), tuple(found), tuple(reference_networks(space)))
    table = front_table(result, run.exact)
    if interrupted:
        emit(table, Output(run.exact, run.format, None))
        kept = "the same command continues" if run.output else "with -o FILE they would be kept"
        typer.echo(f"interrupted after {len(found)} budgets; {kept}", err=True)
        raise typer.Exit(130)
    if run.figure is not None:
        from antcost.charts.fronts import front_figure

        draw(front_figure(result), run.figure)
        table = replace(table, figure=linked(run.figure, run.output))
    emit(table, Output(run.exact, run.format, run.output))


def _store(output: Path | None) -> Path | None:
    """The folder beside the output where finished points are kept until all are."""
    if output is None:
        return None
    folder = output.with_name(f"{output.name}.parts")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise AntcostError(f"{folder}: cannot be written: {error.strerror}") from None
    return folder
