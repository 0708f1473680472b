"""Giving an export away: checked, with the word of who answers for personal data, and written into the audit log."""

from collections.abc import Generator
from dataclasses import dataclass

from curation.datasets import folds
from curation.datasets.exporting import export, manifest
from curation.datasets.exporting.findings import Finding
from curation.models import DatasetVersion
from workspace import audit
from workspace.access import Actor

SHORTEST_REASON = 10


class NoReason(ValueError):
    """Personal data shall be given away as it is, and the reason is missing or says nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `personal`: "" (as the recipe says), "replace", or "keep" with a `reason`. With a
    `fold` it is one side of it, `of` train or validation, and no split."""

    format: str
    split: str = ""
    skip_invalid: bool = False
    skip_held_out: bool = False
    personal: str = ""
    reason: str = ""
    metadata: bool = False
    fold: int | None = None
    of: folds.Of = "train"


@dataclass(frozen=True, slots=True)
class Sending:
    """What goes out: the pieces, the name of the file, what is left out, how many rows hold personal data, and where the
    file as a whole falls short of what its takers ask."""

    pieces: Generator[bytes]
    file_name: str
    skipped: int
    held_out: int
    personal: int
    notes: list[Finding]


def lines(*, version: DatasetVersion, wish: Wish, actor: Actor, written: export.Written | None = None) -> Sending:
    """The lines of an export. Raises what export.plan raises, and NoReason."""
    made = plan(version, wish)
    _tell(made, wish, actor)
    done = export.write(made, metadata=wish.metadata, written=written)
    return _sending(made, done, export.file_name(version, made.chosen.NAME, _named(made)))


def origins(*, version: DatasetVersion, wish: Wish) -> Sending:
    """The manifest of the export with the same wish. It holds no words of any trace, so personal data refuses nothing."""
    made = plan(version, wish, inside=True)
    return _sending(made, manifest.write_manifest(made), export.file_name(version, "manifest", _named(made)))


def plan(version: DatasetVersion, wish: Wish, *, inside: bool = False) -> export.Plan:
    """The export's plan. Raises what export.plan raises, NothingToWrite too where rows are left out and none remains, NoReason
    and folds.NoFold."""
    if wish.personal == "keep" and len(" ".join(wish.reason.split())) < SHORTEST_REASON:
        raise NoReason(f"Say in at least {SHORTEST_REASON} characters why personal data goes out as it is.")
    part = None if wish.fold is None else folds.part(version, wish.fold, wish.of)
    made = export.plan(
        version, wish.format, "" if part else wish.split, skip_invalid=wish.skip_invalid, skip_held_out=wish.skip_held_out,
        personal_data=wish.personal, inside=inside, part=part,
    )  # fmt: skip
    export.refuse_empty(made)
    return made


def _named(made: export.Plan) -> str:
    return str(made.part) if made.part else made.split


def _tell(made: export.Plan, wish: Wish, actor: Actor) -> None:
    version = made.version
    held = made.personal.pieces(made.split)
    told = {"personal_data": held, "personal": "replaced" if made.replace else "kept"} if held else {}
    if held and wish.personal == "keep":
        told["reason"] = " ".join(wish.reason.split())[:1000]
    audit.record(
        project=version.dataset.project, actor=actor, action="dataset.exported",
        target=f"dataset_version:{version.uid}", name=str(version), format=made.chosen.NAME, split=_named(made),
        skipped=made.invalid, held_out=len(made.held_out), **told,
    )  # fmt: skip


def _sending(made: export.Plan, pieces: Generator[bytes], file_name: str) -> Sending:
    return Sending(
        pieces, file_name, made.invalid, len(made.held_out), made.personal.in_split(made.split), manifest.notes(made)
    )  # fmt: skip
