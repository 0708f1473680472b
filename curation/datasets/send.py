"""Giving an export away: checked, with the word of who answers for personal data, and written into the audit log."""

from collections.abc import Generator
from dataclasses import dataclass

from curation.datasets import export, manifest
from curation.models import DatasetVersion
from workspace import audit
from workspace.access import Actor

SHORTEST_REASON = 10


class NoReason(ValueError):
    """Personal data shall be given away as it is, and the reason is missing or says nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `personal`: "" (as the recipe says), "replace", or "keep" with a `reason`."""

    format: str
    split: str = ""
    skip_invalid: bool = False
    skip_held_out: bool = False
    personal: str = ""
    reason: str = ""
    metadata: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """What goes out: the pieces, the name of the file, what is left out and how many rows hold personal data."""

    pieces: Generator[bytes]
    file_name: str
    skipped: int
    held_out: int
    personal: int


def lines(*, version: DatasetVersion, wish: Wish, actor: Actor, written: export.Written | None = None) -> Sending:
    """The lines of an export. Raises what export.plan raises, and NoReason."""
    made = plan(version, wish)
    _tell(made, wish, actor)
    done = export.write(made, metadata=wish.metadata, written=written)
    return _sending(made, done, export.file_name(version, made.chosen.NAME, wish.split))


def origins(*, version: DatasetVersion, wish: Wish) -> Sending:
    """The manifest of the export with the same wish. It holds no words of any trace, so personal data refuses nothing."""
    made = plan(version, wish, inside=True)
    return _sending(made, manifest.write_manifest(made), export.file_name(version, "manifest", wish.split))


def plan(version: DatasetVersion, wish: Wish, *, inside: bool = False) -> export.Plan:
    """The export's plan. Raises what export.plan raises, and NoReason."""
    if wish.personal == "keep" and len(" ".join(wish.reason.split())) < SHORTEST_REASON:
        raise NoReason(f"Say in at least {SHORTEST_REASON} characters why personal data goes out as it is.")
    return export.plan(
        version, wish.format, wish.split, skip_invalid=wish.skip_invalid, skip_held_out=wish.skip_held_out,
        personal_data=wish.personal, inside=inside,
    )  # fmt: skip


def _tell(made: export.Plan, wish: Wish, actor: Actor) -> None:
    version = made.version
    held = made.personal.pieces(made.split)
    told = {"personal_data": held, "personal": "replaced" if made.replace else "kept"} if held else {}
    if held and wish.personal == "keep":
        told["reason"] = " ".join(wish.reason.split())[:1000]
    audit.record(
        project=version.dataset.project, actor=actor, action="dataset.exported",
        target=f"dataset_version:{version.uid}", name=str(version), format=made.chosen.NAME, split=made.split,
        skipped=made.invalid, held_out=len(made.held_out), **told,
    )  # fmt: skip


def _sending(made: export.Plan, pieces: Generator[bytes], file_name: str) -> Sending:
    return Sending(pieces, file_name, made.invalid, len(made.held_out), made.personal.in_split(made.split))
