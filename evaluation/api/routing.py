"""The one router of this floor: only operations of one router share a path."""

from ninja import Router

router = Router(tags=["comparisons"])
