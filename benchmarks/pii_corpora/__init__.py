"""Corpora of agent traces, clean and with personal data whose place is known, each by an author of its own (benchmarks.pii)."""
