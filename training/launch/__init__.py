"""From a wish to a process: request, start, cancel, resume."""
