"""Reading untrusted YAML files, with the place of every mistake."""
