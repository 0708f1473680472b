"""The one router of this floor. Several modules answer under the same path (GET and POST of traces), and only
operations of one router share a path."""

from ninja import Router

router = Router(tags=["traces"])
