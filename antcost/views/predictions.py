"""Predicted latencies as a table, and what stands under every table that has some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from antcost.cost.device import Device, Prediction
from antcost.sources.network import Network
from antcost.tables.table import Column, Table
from antcost.units import format_percent, plural

WORTH_A_NOTE = 0.05
"""The share of a latency outside of what was profiled from which on it is said."""
NAMED = 3
EXTRAPOLATED = "extrapolated: in layers unlike those that the device was profiled with."


@dataclass(frozen=True, slots=True)
class PredictedNetwork:
    """A network, and what a device takes for it."""

    network: Network
    prediction: Prediction


COLUMNS: tuple[Column[PredictedNetwork], ...] = (
    Column("network", "network", lambda row: row.network.cost.graph.name),
    Column("latency", "latency", lambda row: row.prediction.latency_ps, "time"),
    Column(
        "extrapolated", "% extrapolated", lambda row: row.prediction.outside_share, "share", spare=1
    ),
    Column("madds", "MAdds", lambda row: row.network.cost.madds, "count", spare=2),
    Column("params", "params", lambda row: row.network.cost.params, "count", spare=3),
)


def predictions_table(rows: Sequence[PredictedNetwork]) -> Table[PredictedNetwork]:
    """Return a row for each network."""
    device = rows[0].prediction.device
    return Table(
        title=f"Predicted latency of {plural(len(rows), 'network')} on {device.name}",
        columns=[column for column in COLUMNS if device.errors or column.key != "extrapolated"],
        items=rows,
        notes=(
            f"Predictions are {prediction_errors(device)}.",
            *([EXTRAPOLATED] if device.errors else []),
        ),
        rows_key="networks",
        more={
            "spec": lambda row: row.network.reference,
            "prediction": lambda row: prediction_data(row.prediction),
            "layers": lambda row: row.prediction.layers_ps,
        },
    )


def prediction_data(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction for JSON: with the device, its errors, and what is extrapolated."""
    device = prediction.device
    return {
        "device": device.name,
        "errors": device.errors and device.errors.model_dump(),
        "latency": prediction.latency_ps,
        "extrapolated_layers": prediction.outside,
    }


def prediction_notes(predictions: Mapping[str, Prediction]) -> list[str]:
    """Say for which devices predictions are, how wrong they are, and where they are guesses."""
    devices = {prediction.device.name: prediction.device for prediction in predictions.values()}
    return [*map(latency_note, devices.values()), *guesses(predictions)]


def latency_note(device: Device) -> str:
    """Say which device latencies are predicted for, and how wrong that is."""
    return f"Latency: predicted for {device.name}; {prediction_errors(device)}."


def guesses(predictions: Mapping[str, Prediction]) -> list[str]:
    """Name the networks of layers that were not profiled, those with the largest share first."""
    shares = sorted(
        (
            (prediction.outside_share, network)
            for network, prediction in predictions.items()
            if prediction.outside_share >= WORTH_A_NOTE
        ),
        reverse=True,
    )
    if not shares:
        return []
    named = ", ".join(f"{network} {format_percent(share)} %" for share, network in shares[:NAMED])
    others = f", and {len(shares) - NAMED} others" if len(shares) > NAMED else ""
    return [f"Of this, extrapolated from other layers: {named}{others}."]


def prediction_errors(device: Device) -> str:
    """Say how wrong predictions for a device are."""
    errors = device.errors
    if errors is None:
        return "of unknown error"
    return (
        f"off by {100 * errors.median:.1f} % (median) and at most {100 * errors.largest:.1f} % for "
        f"{plural(errors.networks, 'network')} that it was tried on"
    )
