"""The keys of the review page, and the ones that a person set instead."""

from collections.abc import Mapping
from dataclasses import dataclass

from curation.review.invalid import Invalid
from workspace.models import User


@dataclass(frozen=True, slots=True)
class Act:
    """Something a key does. `name` is what is stored, `key` what it is by default."""

    name: str
    key: str
    word: str
    group: str


JUDGE, ITEM, RUN, WRITE = "Judge", "Items", "The run", "Write"
ACTS = (
    Act("acceptable", "a", "Acceptable, and on", JUDGE),
    Act("unacceptable", "r", "Unacceptable, and on", JUDGE),
    Act("unsure", "u", "Unsure, and on", JUDGE),
    Act("undo", "z", "Undo (Ctrl+Z too)", JUDGE),
    *(Act(f"rating{value}", str(value), f"Rating {value}", JUDGE) for value in range(1, 6)),
    Act("clarify", "6", "Recovery: ask the user", JUDGE),
    Act("retry", "7", "Recovery: try again", JUDGE),
    Act("fallback", "8", "Recovery: another way", JUDGE),
    Act("graceful_fail", "9", "Recovery: say that it failed", JUDGE),
    Act("error_type", "y", "Recovery: what failed", JUDGE),
    Act("next", "j", "Next item (→ too)", ITEM),
    Act("previous", "k", "Previous item (← too)", ITEM),
    Act("skip", "s", "Skip: back to the end of the queue", ITEM),
    Act("flag", "f", "Flag for somebody else", ITEM),
    Act("step_before", "[", "Step before", RUN),
    Act("step_after", "]", "Step after", RUN),
    Act("error_before", "{", "Error before", RUN),
    Act("error_after", "}", "Error after", RUN),
    Act("first_error", "!", "First error", RUN),
    Act("good_step", "+", "Good step (again: take back)", RUN),
    Act("bad_step", "-", "Bad step (again: take back)", RUN),
    Act("neutral_step", "=", "Neutral step (again: take back)", RUN),
    Act("fold", "o", "Open or fold the step", RUN),
    Act("plain", "p", "The step just as it came, and back", RUN),
    Act("collapse", "x", "Outline: only turns, and back", RUN),
    Act("outline", "t", "To the outline", RUN),
    Act("top", "0", "To the top", RUN),
    Act("find", "/", "Find in this run", RUN),
    Act("note", "n", "Note", WRITE),
    Act("comment", "c", "Comment on the step or on what is selected", WRITE),
    Act("edit", "e", "Edit the answer", WRITE),
)
BY_NAME = {act.name: act for act in ACTS}
# what every page answers to, and what the browser needs
RESERVED = {"g": "g and a letter goes to a page", "?": "? opens the key sheet", " ": "the space bar scrolls"}


def keys_of(user: User | None) -> dict[str, str]:
    """The key of every act for this person: {act's name: key}."""
    own = user.keys if user is not None else {}
    return {act.name: own.get(act.name, act.key) if isinstance(own, Mapping) else act.key for act in ACTS}


def changed_of(user: User | None) -> dict[str, str]:
    """What differs from the defaults, as {default key: own key}, for the page's script."""
    own = keys_of(user)
    return {act.key: own[act.name] for act in ACTS if own[act.name] != act.key}


def conflicts(chosen: Mapping[str, str]) -> dict[str, str]:
    """Why keys cannot be as chosen: {act's name: reason}. Every act that is part of a conflict is named."""
    wrong: dict[str, str] = {}
    used: dict[str, list[str]] = {}
    for act in ACTS:
        key = chosen.get(act.name, act.key)
        if len(key) != 1 or not key.isprintable():
            wrong[act.name] = "must be one character that can be seen"
        elif key in RESERVED:
            wrong[act.name] = f"is taken on every page: {RESERVED[key]}"
        else:
            used.setdefault(key, []).append(act.name)
    for key, names in used.items():
        for name in names if len(names) > 1 else ():
            others = ", ".join(BY_NAME[one].word for one in names if one != name)
            wrong[name] = f"{key} is also: {others}"
    return wrong


def choose(*, user: User, chosen: Mapping[str, str]) -> None:
    """Store one's keys; only what differs from the defaults is kept, so that later defaults reach everybody. Raises
    Invalid, naming the first act in conflict, and stores nothing then."""
    unknown = next((name for name in chosen if name not in BY_NAME), None)
    if unknown is not None:
        raise Invalid("act", f"{unknown[:40]!r} is unknown")
    wrong = conflicts(chosen)
    if wrong:
        name = next(iter(wrong))
        raise Invalid(name, wrong[name])
    user.keys = {name: key for name, key in chosen.items() if key != BY_NAME[name].key}
    user.save(update_fields=["keys"])


def reset(*, user: User) -> None:
    """All keys as they are by default."""
    user.keys = {}
    user.save(update_fields=["keys"])
