"""The columns and notes of the table of each command."""
