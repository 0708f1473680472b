"""What can be set for a run: one module per method."""
