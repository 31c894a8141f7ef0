"""What stands under tables of predicted latencies."""

from collections.abc import Mapping

from antcost.cost.device import Device, Prediction
from antcost.units import format_percent

WORTH_A_NOTE = 0.005
"""The share of a latency outside of what was profiled from which on it is said."""


def prediction_notes(predictions: Mapping[str, Prediction]) -> list[str]:
    """By the names of networks: for which device, how wrong that is, and where it is a guess."""
    devices = {prediction.device.name: prediction.device for prediction in predictions.values()}
    guesses = [
        f"{network} ({format_percent(prediction.outside_share)} %)"
        for network, prediction in predictions.items()
        if prediction.outside_share >= WORTH_A_NOTE
    ]
    return [
        *(
            f"Latency: predicted for {name}; {prediction_errors(device)}."
            for name, device in devices.items()
        ),
        *(
            [f"Of this, in layers unlike those that the device was profiled with: {shares}."]
            if (shares := ", ".join(guesses))
            else []
        ),
    ]


def prediction_errors(device: Device) -> str:
    """How wrong predictions for a device are."""
    errors = device.errors
    if errors is None:
        return "nothing is known of how wrong they are"
    return (
        f"off by {100 * errors.median:.1f} % (median) and at most {100 * errors.largest:.1f} % for "
        f"{errors.networks} networks that it was tried on"
    )
