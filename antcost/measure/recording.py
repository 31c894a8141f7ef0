"""What was measured: raw samples and their conditions, as data and as a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from antcost.cost.memory import Dtype, traffic_bytes
from antcost.errors import AntcostError
from antcost.measure.conditions import STRICT, Conditions, Count, Number, Text
from antcost.measure.engines import Settings
from antcost.sources.network import Network

FORMAT = 1
MOST_BYTES = 2**27
Stopped = Literal["target", "time", "interrupted"]
Times = Annotated[tuple[Annotated[int, Field(ge=1, lt=2**53)], ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Subject:
    """A network that was measured, and what it costs for one image.

    `reference` is how it was named; `asked` is whether it was, or was only measured for comparison.
    """

    __pydantic_config__ = STRICT

    title: Text
    reference: Text
    madds: Count
    params: Count
    traffic_bytes: Count
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Visit:
    """Some runs of a network in a row, in one round of a session.

    Wall time of each run, and CPU time of the process meanwhile; involuntary context switches
    during the runs, and ticks that the hypervisor took from our CPUs.
    """

    __pydantic_config__ = STRICT

    session: Count
    round: Count
    subject: Count
    start_ns: Count
    wall_ns: Times
    cpu_ns: tuple[Count, ...]
    switches: Count | None
    steal_ticks: Count | None


@dataclass(frozen=True, slots=True)
class Recording:
    """A measuring: in every round of a session all subjects were visited in random order.

    `reference` is the network that every measuring has, `baseline` the one that others are compared
    with; both are indices of `subjects`. `target` is the half-width of the intervals of all ratios
    at which it was to stop, `limit_s` when it had to; `seconds` is how long it took. `fresh` is
    whether networks were prepared anew for each session.
    """

    __pydantic_config__ = STRICT

    subjects: Annotated[tuple[Subject, ...], Field(min_length=1)]
    reference: Count
    baseline: Count
    engine: Text
    settings: Settings
    conditions: Conditions
    target: Annotated[float, Field(gt=0, lt=1)]
    limit_s: Annotated[float, Field(gt=0, le=1e9)]
    seed: int
    seconds: Number
    stopped: Stopped
    fresh: bool
    visits: Annotated[tuple[Visit, ...], Field(min_length=1)]
    format: Literal[1] = 1

    @property
    def labels(self) -> tuple[str, ...]:
        """The subjects' titles; those of the same title have a number after it."""
        titles = [subject.title for subject in self.subjects]
        return tuple(
            f"{title} #{titles[: i + 1].count(title)}" if titles.count(title) > 1 else title
            for i, title in enumerate(titles)
        )

    @property
    def shown(self) -> tuple[int, ...]:
        """The subjects that a table has: those that were asked for, and the baseline."""
        every = enumerate(self.subjects)
        return tuple(i for i, subject in every if subject.asked or i == self.baseline)


def subject_of(network: Network, dtype: Dtype, *, asked: bool = True) -> Subject:
    """Return what a recording keeps of a network."""
    cost = network.cost
    traffic = traffic_bytes(cost.whole, dtype)
    return Subject(network.title, network.reference, cost.madds, cost.params, traffic, asked)


def find_name(named: Sequence[Subject] | Sequence[Network], name: str) -> int | None:
    """Return the index of what is called so: as on the command line, by its title, or its file's
    stem.
    """
    for names in (
        [one.reference for one in named],
        [one.title for one in named],
        [Path(one.reference).stem for one in named],
    ):
        if name in names:
            return names.index(name)
    return None


def to_json(recording: Recording) -> str:
    """Return the file of a recording: a line a visit."""
    data = asdict(recording)
    data = {"format": data.pop("format"), **data}
    visits = ",\n    ".join(json.dumps(visit) for visit in data.pop("visits"))
    head = json.dumps(data, indent=2).removesuffix("\n}")
    return f'{head},\n  "visits": [\n    {visits}\n  ]\n}}\n'


def load_recording(path: Path) -> Recording:
    """Read a file that `to_json` has made. Raises AntcostError if it is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AntcostError(f"{path}: cannot be read: {reason}") from None
    if len(data) > MOST_BYTES:
        raise AntcostError(f"{path}: too large for a recording ({MOST_BYTES >> 20} MiB at most)")
    try:
        recording = _adapter().validate_json(data)
    except ValidationError as error:
        raise AntcostError(f"{path}: no recording of antcost latency: {_first(error)}") from None
    if problem := _inconsistency(recording):
        raise AntcostError(f"{path}: no recording of antcost latency: {problem}")
    return recording


@cache
def _adapter() -> TypeAdapter[Recording]:
    return TypeAdapter(Recording)


def _first(error: ValidationError) -> str:
    """Return the first thing that is wrong, in one line."""
    details: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, details["loc"]))
    line = ": ".join(filter(None, (place, details["msg"])))
    return "".join(char if char.isprintable() else "?" for char in line)[:300]


def _inconsistency(recording: Recording) -> str | None:
    """Return what is wrong with the whole where each part by itself is right."""
    count = len(recording.subjects)
    if max(recording.reference, recording.baseline) >= count:
        return f"there are {count} subjects"
    if min(recording.settings.threads, recording.settings.batch) < 1:
        return "settings: threads and batch are at least 1"
    rounds: dict[tuple[int, int], list[int]] = {}
    for visit in recording.visits:
        if len(visit.wall_ns) != len(visit.cpu_ns):
            return "visits: as many wall_ns as cpu_ns are needed"
        rounds.setdefault((visit.session, visit.round), []).append(visit.subject)
    if any(sorted(visited) != list(range(count)) for visited in rounds.values()):
        return "visits: every round visits every subject once"
    return None
