"""`antcost explain`: what a block, stage or network costs, as a closed form."""

from typing import Annotated, Any

from typer import BadParameter, Option

from antcost.cli import options
from antcost.cli.output import ExactOutput, emit
from antcost.errors import AntcostError
from antcost.sources.specs.load import load
from antcost.sources.specs.settings import read_settings
from antcost.tables.table import Table


def explain(
    spec: options.OptionalSpec = None,
    stage: Annotated[
        str | None, Option(metavar="NAME", help="Only this stage, layer by layer, in letters.")
    ] = None,
    block: Annotated[
        str | None, Option(metavar="NAME", help="A block by itself, such as ant, in letters.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="PATH=VALUE",
            help="Override a field as for table; with --block a field of it, e.g. groups=1, "
            "reduction=null, stride=2; repeatable.",
        ),
    ] = None,
    columns: options.Columns = None,
    free: options.Free = False,
    *,
    to: ExactOutput,
) -> None:
    """Write the cost of a network as a formula of its resolution and width; or of a stage or block.

    The formulas come from the same code as the numbers of every table.
    """
    if (spec is None) == (block is None):
        raise BadParameter("name a network or a block: antcost explain antnet_g2, or --block ant")
    if stage is not None and spec is None:
        raise BadParameter("--stage needs a network: antcost explain antnet_g2 --stage ant3")
    try:
        import sympy  # noqa: F401 - of all that is imported below, only this may be missing
    except ModuleNotFoundError:
        raise AntcostError("explain needs SymPy: pip install 'antcost[explain]'") from None
    emit(_table(spec, stage, block, set_ or [], options.column_keys(columns), free), to)


def _table(
    spec: str | None,
    stage: str | None,
    block: str | None,
    settings: list[str],
    columns: list[str],
    free: bool,
) -> Table[Any]:
    from antcost.explain.blocks import block_form, stage_form
    from antcost.explain.networks import resolution_form, width_forms
    from antcost.views.explanation import form_table, network_table

    if block is not None:
        form = block_form(block, read_settings(settings))
        return form_table(form, columns=columns, free=free)
    network = load(spec or "", settings)
    if stage is not None:
        form = stage_form(network, stage)
        return form_table(form, network=network.title, columns=columns, free=free)
    return network_table(resolution_form(network), width_forms(network), columns=columns)
