"""Names of people: nothing here finds them; a detector can be plugged in.

The setting WHETSTONE_NAMES names it as "module:function". The function is given a text and returns pairs of characters
(start, end), such as `[(6, 13)]`. It is called for every text that is looked through, so it should be quick.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module

from django.conf import settings

from curation.privacy.patterns import KINDS, Found, find_value

NAME = "name"
Detector = Callable[[str], Iterable[tuple[int, int]]]


class NoDetector(ValueError):
    """What WHETSTONE_NAMES says cannot be used; the text says why."""


def is_plugged_in() -> bool:
    """Whether names are looked for at all."""
    return bool(settings.WHETSTONE_NAMES)


def kinds() -> dict[str, str]:
    """The kinds that are looked for, with their names in words."""
    return {**KINDS, NAME: "names of people"} if is_plugged_in() else dict(KINDS)


def find_all(key: str, text: str, kinds: frozenset[str] | None = None) -> list[Found]:
    """What stands in the text of a field called `key` ("" for no field), names included where a detector is plugged in."""
    found = find_value(key, text, None if kinds is None else kinds - {NAME})
    if not is_plugged_in() or (kinds is not None and NAME not in kinds):
        return found
    taken = list(found)
    for start, end in sorted(_detector(settings.WHETSTONE_NAMES)(text)):
        if 0 <= start < end <= len(text) and not any(start < other.end and other.start < end for other in taken):
            taken.append(Found(start, end, NAME))
    return sorted(taken)


@lru_cache(maxsize=1)
def _detector(said: str) -> Detector:
    module, colon, function = said.partition(":")
    try:
        detector: Detector = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoDetector(f"WHETSTONE_NAMES is {said!r}, which cannot be loaded: {error}") from error
    if not colon or not callable(detector):
        raise NoDetector(f"WHETSTONE_NAMES is {said!r}; it must be module:function")
    return detector
