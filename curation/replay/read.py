"""A replay beside its original."""

import uuid
from dataclasses import dataclass

from curation.messages.form import Message, text_of
from curation.models import Replay
from curation.replay.opening import CannotReplay, opening
from curation.review import diff
from workspace.models import Project


@dataclass(slots=True)
class Side:
    """What was answered. `calls` are (tool, arguments)."""

    text: str
    calls: list[tuple[str, str]]


@dataclass(slots=True)
class Shown:
    """Both answers. `original` and `result` are None where there is none; `changes` compares them word by word."""

    replay: Replay
    original: Side | None
    result: Side | None
    changes: diff.Diff | None

    @property
    def sides(self) -> tuple[tuple[str, Side | None], ...]:
        """Both, with their names."""
        return ("Original", self.original), ("Replay", self.result)

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way."""
        return self.replay.status in (Replay.Status.QUEUED, Replay.Status.RUNNING)


def show(*, project: Project, uid: uuid.UUID) -> Shown:
    """One replay with both answers. Raises Replay.DoesNotExist."""
    replay = (
        Replay.objects.select_related("trace", "revision", "connection", "result__revision").defer("messages", "tools")
        .get(project=project, uid=uid)
    )  # fmt: skip
    try:
        original = _side(opening(replay.revision.document, replay.step_key).original)
    except CannotReplay:
        original = None
    result = None
    if replay.result is not None and replay.result.revision is not None:
        result = _side(replay.result.revision.document["conversations"][0]["messages"][-1])
    changes = diff.words(_whole(original), _whole(result)) if original and result else None
    return Shown(replay, original, result, changes)


def of_trace(*, project: Project, trace_uid: uuid.UUID, most: int = 20) -> list[Replay]:
    """The newest replays of a trace."""
    found = Replay.objects.filter(project=project, trace__uid=trace_uid).select_related("connection")
    return list(found.defer("messages", "tools").order_by("-id")[:most])


def _side(message: Message | None) -> Side | None:
    if message is None:
        return None
    return Side(text_of(message), [(call["name"], call["arguments"]) for call in message.get("tool_calls", [])])


def _whole(side: Side) -> str:
    return "\n".join([*filter(None, [side.text]), *(f"{name} {arguments}" for name, arguments in side.calls)])
