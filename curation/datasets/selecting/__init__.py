"""From the traces that a filter matches to the rows of a version, step by step, each with its reason."""
