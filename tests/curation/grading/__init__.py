"""Graders as rows, and batches of calls."""
