"""Candidates for pairs, and answers made anew: several per trace, each sent with a temperature of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from curation import filters
from curation.models import Batch, GraderVersion
from curation.scoring import batches, items, keep, pricing
from curation.scoring.pricing import Price
from curation.scoring.refused import Refused
from workspace import audit
from workspace.access import Actor
from workspace.models import Connection, Project

TEMPERATURES = (0.3, 0.7, 1.0)
CANDIDATES = 3
MOST_CANDIDATES = 16
USUAL_TOKENS = 1_024
MOST_TOKENS = 32_768


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, checked. `ways`: what each candidate of a trace is sent with, by its ordinal."""

    connection: Connection
    model: str
    max_tokens: int
    ways: tuple[dict[str, Any], ...]
    graders: tuple[GraderVersion, ...]
    warnings: tuple[str, ...] = ()


def check(
    *, project: Project, connection: Connection, model: str = "", temperatures: Sequence[float] = TEMPERATURES,
    candidates: int = CANDIDATES, max_tokens: int = USUAL_TOKENS, graders: Sequence[GraderVersion] = (),
    seed: int | None = None,
) -> Wanted:  # fmt: skip
    """What would be sent. Two candidates become three (fewer rarely differ enough to make a pair), which `warnings` says;
    one is for answers made anew. Where there are more candidates than temperatures, these are taken in turn, and with a
    `seed` each candidate has its own: seed + ordinal. Raises NotConfirmed, Refused naming the field."""
    if connection.project_id != project.pk:
        raise Refused("connection", "Choose a connection of this project.")
    name = model.strip() or connection.default_model
    if not name or len(name) > 200:
        raise Refused("model", f"{connection.name} has no default model, so one must be named (1 to 200 characters).")
    if not 1 <= candidates <= MOST_CANDIDATES:
        raise Refused("candidates", f"{candidates} is not a number from 1 to {MOST_CANDIDATES}.")
    if not 1 <= max_tokens <= MOST_TOKENS:
        raise Refused("max_tokens", f"{max_tokens} is not a whole number from 1 to {MOST_TOKENS:,}.")
    if not temperatures or any(not 0 <= one <= 2 for one in temperatures):
        raise Refused("temperatures", "One or more numbers from 0 to 2 are needed.")
    if seed is not None and not 0 <= seed < 2**31 - MOST_CANDIDATES:
        raise Refused("seed", "A whole number from 0 to 2,147,483,631 is needed.")
    warnings = []
    if candidates == 2:
        candidates = 3
        warnings.append("Two candidates were raised to three: of two, best and worst rarely differ enough.")
    if candidates > len(set(temperatures)) and seed is None and candidates > 1:
        warnings.append("Several candidates share a temperature and have no seed: they may be the same.")
    for version in graders:
        keep.usable(version)
        if version.grader.project_id != project.pk:
            raise Refused("graders", f"{version} is not a grader of this project.")
    ways = [{"temperature": float(temperatures[place % len(temperatures)])} for place in range(candidates)]
    if seed is not None:
        ways = [{**way, "seed": seed + place} for place, way in enumerate(ways)]
    return Wanted(connection, name, max_tokens, tuple(ways), tuple(graders), tuple(warnings))


def price(
    *, project: Project, query: str, connection: Connection, model: str = "",
    temperatures: Sequence[float] = TEMPERATURES, candidates: int = CANDIDATES, max_tokens: int = USUAL_TOKENS,
    graders: Sequence[GraderVersion] = (), seed: int | None = None, sample: int | None = None,
    sample_seed: int = 0, until: datetime | None = None,
) -> Price:  # fmt: skip
    """What it is estimated to cost: for each of N traces k generations, and k gradings by each of the graders. Raises
    FilterError, NotConfirmed, Refused."""
    wanted = check(
        project=project, connection=connection, model=model, temperatures=temperatures, candidates=candidates,
        max_tokens=max_tokens, graders=graders, seed=seed,
    )  # fmt: skip
    until = items.as_of(until)
    return _priced(project, query, wanted, until, sample, sample_seed)


def start(
    *, project: Project, query: str, connection: Connection, model: str = "",
    temperatures: Sequence[float] = TEMPERATURES, candidates: int = CANDIDATES, max_tokens: int = USUAL_TOKENS,
    graders: Sequence[GraderVersion] = (), actor: Actor, confirmed: str = "", key: str, seed: int | None = None,
    sample: int | None = None, sample_seed: int = 0, until: datetime | None = None,
) -> Batch:  # fmt: skip
    """Write a batch of candidates down; `confirmed`, `key` and `until` as for `batches.start`. Traces that cannot be sent
    end as failed items with the reason. Raises FilterError, NotConfirmed, Refused."""
    before = batches.known(project, key)
    if before is not None:
        return before
    wanted = check(
        project=project, connection=connection, model=model, temperatures=temperatures, candidates=candidates,
        max_tokens=max_tokens, graders=graders, seed=seed,
    )  # fmt: skip
    until = items.as_of(until)
    told = _priced(project, query, wanted, until, sample, sample_seed)
    limit = pricing.agreed(told, confirmed)
    pricing.affordable(told)
    settings = {
        "model": wanted.model, "max_tokens": wanted.max_tokens, "candidates": len(wanted.ways),
        "temperatures": [way["temperature"] for way in wanted.ways], "seed": seed,
        "graders": [version.pk for version in wanted.graders], "graded_by": [str(one) for one in wanted.graders],
        "sample": sample, "until": until.isoformat(), "warnings": list(wanted.warnings),
    }  # fmt: skip
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                project=project, kind=Batch.Kind.GENERATE, connection=connection, settings=settings,
                query=str(filters.resolve(filters.parse(query), now=until)), estimate_usd=limit, user=actor.user,
                author=actor.label[:200], idempotency_key=key[: batches.MOST_KEY],
            )  # fmt: skip
            found = items.matching(project=project, query=query, until=until, sample=sample, seed=sample_seed)
            batches.written(batch, *items.write(batch, items.split(found, None, regrade=False), wanted.ways))
            audit.record(
                project=project, actor=actor, action="batch.started", target=f"batch:{batch.uid}", kind="generate",
                model=wanted.model, connection=connection.name, items=batch.total, graders=settings["graded_by"],
                agreed_usd=None if limit is None else str(limit),
            )  # fmt: skip
    except IntegrityError:
        before = batches.known(project, key)
        if before is None:
            raise
        return before
    return batch


def _priced(
    project: Project, query: str, wanted: Wanted, until: datetime, sample: int | None, sample_seed: int
) -> Price:
    found = items.matching(project=project, query=query, until=until, sample=sample, seed=sample_seed)
    count = found.count()
    if not count:
        raise Refused("query", f"No trace matches {query.strip() or 'the empty filter'}.")
    looked_at = pricing.conversations_of(pricing.looked_at(found))
    answers = count * len(wanted.ways)
    parts = pricing.candidate_parts(
        wanted.connection, looked_at, answers, model=wanted.model, max_tokens=wanted.max_tokens, of=count
    )
    if not parts:
        raise Refused(
            "query", "None of the traces looked at can be sent: nobody asked anything before its last answer."
        )
    for version in wanted.graders:
        if not keep.asks_model(version):
            continue
        parts += pricing.judge_parts(version, looked_at, answers, extra=wanted.max_tokens, of=count)
    told = Price(count, 0, answers, until, tuple(parts), len(looked_at))
    return replace(told, warnings=wanted.warnings)
