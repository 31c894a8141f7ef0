"""The random images that networks are run on."""

from typing import TYPE_CHECKING

from antcost.graph.graph import Graph
from antcost.measure.engines import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def random_images(graph: Graph, settings: Settings, seed: int = 0) -> "npt.NDArray[np.float32]":
    """Return a batch with mean 0 and variance 1, as images are after normalisation: (n, c, h,
    w).
    """
    import numpy as np

    shape = (settings.batch, *graph.input.dims)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)
