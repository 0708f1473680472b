"""Forgetting: traces that are too old or too many, and people who ask for it."""
