"""The queue of traces that somebody puts in by hand; curation.browse.bulk fills it."""

from curation.models import ReviewQueue
from workspace.models import Project

SLUG = "picked"
# how the reason of an item begins that somebody put in by hand, into whichever queue
BY = "Picked by "


def hand_queue(*, project: Project) -> ReviewQueue:
    """The queue of traces that were picked by hand; made at the first call."""
    queue, _ = ReviewQueue.objects.get_or_create(project=project, slug=SLUG, defaults={"name": "Picked by hand"})
    return queue
