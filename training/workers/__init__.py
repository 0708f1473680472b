"""The processes that hold a model. The only place that imports torch, transformers, trl and peft; no Django here.

A worker knows its folder (training.rundir) and nothing else: no database, no network unless the base is a hub id.
"""
