"""Looking at many traces at once: rows, figures, selections, completion of the filter."""
