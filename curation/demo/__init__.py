"""Generated traces of two agents that do not exist, so that every page can be tried before the first real trace.

The generator is pure: the same seed and the same moment give the same traces. `load` stores them.
"""
