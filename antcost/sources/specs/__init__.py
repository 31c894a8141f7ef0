"""The YAML: its model, loading with file:line errors, overrides, and the networks that ship."""
