"""The table of a device's trials: predictions for networks that nothing was learned from."""

from fractions import Fraction

from antcost.measure.profiling import Profile, Trial
from antcost.tables.table import Column, Table
from antcost.views.measurement_notes import disturbances, where
from antcost.views.predictions import prediction_errors

COLUMNS: tuple[Column[Trial], ...] = (
    Column("network", "network", lambda trial: trial.network),
    Column("madds", "MAdds", lambda trial: trial.madds, "count"),
    Column("measured", "measured", lambda trial: trial.measured_ps, "time"),
    Column("predicted", "predicted", lambda trial: trial.predicted_ps, "time"),
    Column("error", "error", lambda trial: Fraction(trial.error), "change"),
)


def trials_table(profile: Profile) -> Table[Trial]:
    """Return a row for each network, and what the errors are in all."""
    device = profile.device
    learned = device.measured["networks"]
    return Table(
        title=f"{device.name}: learned from {learned} random networks, tried on others",
        columns=COLUMNS,
        items=profile.trials,
        notes=(
            f"Predictions are {prediction_errors(device)}.",
            where(profile.recording),
            *disturbances(profile.recording),
        ),
        facts={
            "device": device.name,
            "errors": device.errors and device.errors.model_dump(),
        },
        rows_key="trials",
    )
