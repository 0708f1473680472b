"""From files to rows: events exactly once, signs of life, endings."""
