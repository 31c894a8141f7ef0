"""The version of antcost, stamped into its machine-readable output."""

__version__ = "0.1.0"
