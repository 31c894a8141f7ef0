"""Why published figures differ from our counts."""
