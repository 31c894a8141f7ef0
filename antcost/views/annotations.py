"""Annotations of GitHub Actions: commands in the log that the runner shows beside lines of files.

Escaped as the runner undoes it:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from antcost.cost.gate import Verdict
from antcost.cost.measures import format_measure
from antcost.errors import AntcostError, SpecError
from antcost.sources.network import Network
from antcost.sources.specs.catalog import is_file
from antcost.views.gate import GateResult
from antcost.yamlfile.document import Key

TITLE = "antcost gate"
FREE = (0, 0)
_PLACE = re.compile(r"(?P<file>.+):(?P<line>\d+)", re.DOTALL)
_IN_MESSAGES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = _IN_MESSAGES | str.maketrans({":": "%3A", ",": "%2C"})


def verdict_annotations(result: GateResult, root: Path) -> Iterator[str]:
    """Return an error for each budget that does not hold, on its line if the spec is below `root`.

    That is where the first stage that costs more than before was changed, or the line of the name.
    """
    spec = result.network.spec
    keys = (*_grown(result.network, result.base), ("name",), ())
    places = [spec.document.where(key) for key in keys] if spec else [result.network.reference]
    for verdict in result.verdicts:
        if not verdict.holds:
            yield _annotation(places, root, _message(result.network, verdict))


def error_annotations(error: AntcostError, root: Path) -> Iterator[str]:
    """Return an error for each thing that is wrong in a spec, on its line."""
    if isinstance(error, SpecError):
        for problem in error.problems:
            yield _annotation([problem.where], root, str(problem))
    else:
        yield _annotation([], root, str(error))


def _message(network: Network, verdict: Verdict) -> str:
    """Return such as "MAdds of MobileNetV2: 300,774,272, which is 774,272 beyond <= 300M"."""
    measure = verdict.bound.measure
    count, beyond = (
        format_measure(measure, number, exact=True) for number in (verdict.count, -verdict.headroom)
    )
    budget = f"{count}, which is {beyond} beyond {verdict.bound.text}"
    return f"{measure.label} of {network.title}: {budget}"


def _grown(network: Network, base: Network | None) -> list[Key]:
    """Return what is new in the first stage with more parameters or MAdds, and the stage."""
    if base is None or base.spec is None or network.spec is None:
        return []
    before, after = (
        {row.name: (row.params, row.madds) for row in cost.by("stage")}
        for cost in (base.cost, network.cost)
    )
    was = {stage.name: stage.fields() for stage in base.spec.stages}
    for index, stage in enumerate(network.spec.stages):
        old, new = before.get(stage.name, FREE), after.get(stage.name, FREE)
        if new[0] > old[0] or new[1] > old[1]:
            fields = was.get(stage.name, {})
            changed = [name for name, value in stage.fields().items() if fields.get(name) != value]
            return [*(("stages", index, name) for name in changed), ("stages", index)]
    return []


def _annotation(places: Iterable[str], root: Path, message: str) -> str:
    """Annotate the first place, such as "a.yaml:3", whose file is below `root`; else none."""
    found = next(filter(None, (_place(place, root) for place in places)), {})
    properties = found | {"title": TITLE}
    text = ",".join(f"{key}={value.translate(_IN_PROPERTIES)}" for key, value in properties.items())
    return f"::error {text}::{message.translate(_IN_MESSAGES)}"


def _place(place: str, root: Path) -> dict[str, str]:
    match = _PLACE.fullmatch(place)
    path = Path(match["file"] if match else place).resolve()
    if not is_file(path) or not path.is_relative_to(root):
        return {}
    line = match["line"] if match else "1"
    return {"file": path.relative_to(root).as_posix(), "line": line}
