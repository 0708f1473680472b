"""Pairs of a better and a worse answer to the same prompt, and why others are none."""
