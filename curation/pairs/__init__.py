"""Which of two answers is better: queues of pairs, the two sides as a person sees them, and what was preferred."""
