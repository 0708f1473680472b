"""Which split a row is in: decided by its group alone, so it never moves while the data grows."""

import hashlib

from curation.datasets.recipe import Recipe

GROUP_LENGTH = 200


def group_of(group_by: str, *, task_id: str, session_id: str, user_id: str, external_id: str) -> str:
    """The group of a trace as "kind:id". A trace without the wanted id falls back as recipe.GROUPS says; the kind in
    front keeps task "1" and session "1" apart. An id too long for the column is replaced by its digest."""
    ids = {"task": task_id, "session": session_id, "user": user_id}
    chain = {"task": ("task", "session"), "session": ("session",), "user": ("user", "session"), "trace": ()}[group_by]
    kind, name = next(((kind, ids[kind]) for kind in chain if ids[kind]), ("trace", external_id))
    group = f"{kind}:{name}"
    return (
        group if len(group) <= GROUP_LENGTH else f"{kind}#{hashlib.blake2b(name.encode(), digest_size=32).hexdigest()}"
    )


def split_of(group: str, recipe: Recipe) -> str:
    """train, validation or test: the group's place in [0, 1) under a hash keyed with the seed, cut at the shares.

    The same group, seed and shares give the same split whatever else is in the data. BLAKE2b, RFC 7693.
    """
    place = _place(group, recipe.seed)
    if place < recipe.test:
        return "test"
    return "validation" if place < recipe.test + recipe.validation else "train"


def sample_key(external_id: str, seed: int) -> bytes:
    """Where a trace stands in the sample that the seed draws; growing data leaves the order of the others alone."""
    return hashlib.blake2b(external_id.encode(), key=b"sample" + _key(seed), digest_size=16).digest()


def _place(group: str, seed: int) -> float:
    digest = hashlib.blake2b(group.encode(), key=_key(seed), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53  # 53 bits: every place is an exact float below 1


def _key(seed: int) -> bytes:
    return seed.to_bytes(8, "big")
