"""Evaluation's operations of the API, below /api/projects/{slug}/."""

from ninja import Router

router = Router(tags=["evaluation"])
