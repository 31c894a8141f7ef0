"""The networks that are measured side by side, with the one that every measurement has."""

from collections.abc import Sequence
from dataclasses import dataclass

from antcost.cost.memory import Dtype
from antcost.measure.recording import Subject, subject_of
from antcost.sources.network import Network, load_network

REFERENCE = "mobilenet_v2"
"""In every round of every measurement, so that two of them can be compared."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """Networks to measure, and the indices of the baseline and of the reference network.

    `reference_asked` is false for a reference that is only measured for comparison.
    """

    networks: tuple[Network, ...]
    baseline: int = 0
    reference: int = 0
    reference_asked: bool = True

    def subjects(self, dtype: Dtype) -> tuple[Subject, ...]:
        """Return what a recording keeps of the networks."""
        return tuple(
            subject_of(network, dtype, asked=self.reference_asked or index != self.reference)
            for index, network in enumerate(self.networks)
        )


def with_reference(asked: Sequence[Network], baseline: Network | None = None) -> Lineup:
    """Return the networks with the baseline and the reference, where these are not among them.

    By default, the first of several networks is the baseline; the reference is that of a single
    one.
    """
    networks = list(asked)
    if baseline is not None and baseline not in networks:
        networks.append(baseline)
    shipped = load_network(REFERENCE)
    common = next((one for one in networks if one.graph == shipped.graph), shipped)
    reference_asked = common in networks
    if not reference_asked:
        networks.append(common)
    base = baseline or (asked[0] if len(asked) > 1 else common)
    return Lineup(tuple(networks), networks.index(base), networks.index(common), reference_asked)
