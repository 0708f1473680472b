"""Replays: a conversation is sent again up to a step, with something changed, and the answer is a new trace."""
