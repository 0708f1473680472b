"""Failed sign-ins, counted for each email address at each network address: guessing a password takes too long.

Counts live in the cache of this process, and say nothing of whether an account exists.
"""

import hashlib

from django.core.cache import cache

MOST = 10
WINDOW = 15 * 60  # seconds, from the first failure on


def too_many(*, email: str, address: str) -> bool:
    """Whether no further try is allowed now."""
    count: int = cache.get(_key(email, address), 0)
    return count >= MOST


def failed(*, email: str, address: str) -> None:
    """Count a failure."""
    key = _key(email, address)
    cache.add(key, 0, WINDOW)
    try:
        cache.incr(key)
    except ValueError:  # it ran out between the two
        cache.set(key, 1, WINDOW)


def forget(*, email: str, address: str) -> None:
    """Begin anew, after a sign-in."""
    cache.delete(_key(email, address))


def _key(email: str, address: str) -> str:
    digest = hashlib.sha256(f"{email.strip().lower()}\n{address}".encode(errors="replace")).hexdigest()
    return f"sign-in:{digest}"
