"""Other tools as counters, each in a process of its own, and our count beside theirs."""
