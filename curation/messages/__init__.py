"""The internal form of conversations and what can be read off it."""
