"""Personal data: finding it, replacing it, and what each project wants done about it."""
