"""Tables of costs, and the formats they are printed in."""
