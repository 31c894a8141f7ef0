"""The best network that fits: choices, budgets, objectives, an exact solver, and sweeps."""
