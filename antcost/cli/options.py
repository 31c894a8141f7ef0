"""Arguments and options that several commands share."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from antcost.cost.budget import read_increase
from antcost.errors import AntcostError
from antcost.tables import formats
from antcost.units import Printed

Spec = Annotated[str, Argument(metavar="SPEC", help="A shipped network or a YAML file.")]
OptionalSpec = Annotated[
    str | None, Argument(metavar="SPEC", help="A shipped network or a YAML file.")
]
_SPECS = Argument(metavar="SPEC...", help="Shipped networks, YAML files, folders or globs.")
Specs = Annotated[list[str], _SPECS]
OptionalSpecs = Annotated[list[str] | None, _SPECS]
Set = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="PATH=VALUE",
        help='Override a field, e.g. ant4.channels=72, "ant[2-7].groups=2", width=0.5; repeatable.',
    ),
]
Count = Annotated[
    str,
    Option("--count", metavar="NAME", help="Convention to count by: see antcost conventions."),
]
Format = Annotated[formats.Format, Option("--format", help="How to print the table.")]
Output = Annotated[
    Path | None, Option("-o", "--output", metavar="FILE", help="Write atomically to a file.")
]
Exact = Annotated[bool, Option("--exact", help="Every digit: 3,504,872 instead of 3.50M.")]
Inplace = Annotated[
    bool,
    Option("--inplace", help="Peak memory: activations and additions write over their input."),
]
Training = Annotated[
    bool, Option("--training", help="Count auxiliary heads, too, which only training has.")
]
Columns = Annotated[str | None, Option(metavar="A,B,...", help="Columns to show, in this order.")]
Sort = Annotated[
    str | None, Option(metavar="COLUMN", help="Sort: numbers from the largest, texts from A.")
]
Free = Annotated[bool, Option("--all", help="Show layers that cost nothing, too.")]

Space = Annotated[
    str,
    Argument(metavar="SPACE", help="A search file, a shipped one, or a network with --choose."),
]
Device = Annotated[
    Path | None,
    Option(metavar="FILE", help="Predict latency for a device: see antcost device profile."),
]
Workers = Annotated[int, Option(metavar="N", min=1, help="Processes on this machine.")]
Cluster = Annotated[
    str | None, Option(metavar="URL", help="An existing cluster: dask://HOST:PORT, ray://...")
]
Choose = Annotated[
    list[str] | None,
    Option("--choose", metavar="PATH=VALUES", help='E.g. "ant[2-7].groups=[1, 2]"; repeatable.'),
]
Rule = Annotated[
    list[str] | None,
    Option("--rule", metavar="PATH=RULE", help='E.g. "ant*.channels=non-decreasing"; repeatable.'),
]


def _bound(example: str) -> Any:
    """Return the option of a budget, which can be given twice: "<= 300M"."""
    return Option(metavar="BOUND", help=f'A budget, such as "<= {example}".')


@dataclass(frozen=True, slots=True)
class Budgets:
    """What the user asks of each measure, as text."""

    madds: Annotated[list[str] | None, _bound("300M")] = None
    params: Annotated[list[str] | None, _bound("3.4M")] = None
    size: Annotated[list[str] | None, _bound("14MB")] = None
    traffic: Annotated[list[str] | None, _bound("200MB")] = None
    peak_memory: Annotated[list[str] | None, _bound("2MiB")] = None
    latency: Annotated[list[str] | None, _bound("9ms")] = None

    def asked(self) -> dict[str, list[str]]:
        """Return the budgets that were given, by measure."""
        texts = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: bounds for name, bounds in texts.items() if bounds}


def read_percent(option: str, text: str) -> Printed:
    """Read "2%" as 0.02. Raises AntcostError."""
    try:
        return read_increase(text)
    except ValueError as error:
        raise AntcostError(f"{option}: {error}") from None


def read_share(option: str, text: str) -> float:
    """Read "2%" as 0.02. Raises AntcostError."""
    return float(read_percent(option, text).value)


def column_keys(text: str | None) -> list[str]:
    """Read "name, params" as its keys."""
    return [key.strip() for key in text.split(",")] if text else []
