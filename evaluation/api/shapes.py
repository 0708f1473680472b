"""What goes into and comes out of the operations on comparisons."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict

CONFIRMED = (
    "The price of the graders that ask a model, as it was seen, or a higher sum; not needed where it is 0. Judging stops "
    "when it has cost more, and can go on for a new price."
)


class SettingsIn(Schema):
    """How the models answer. What is left out has its default."""

    max_new_tokens: int = Field(default=256, description="Longest answer, in tokens.")
    temperature: float = Field(default=0.0, description="0 to 2; 0 gives the same answer each time.")
    seed: int = Field(default=0, description="For answers that are drawn.")

    model_config = ConfigDict(extra="forbid")


class CandidateSettingsIn(Schema):
    """What the candidate does differently."""

    max_new_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None

    model_config = ConfigDict(extra="forbid")


class RulesIn(Schema):
    """Limits as ratios of candidate to baseline; null only watches."""

    accuracy: float | None = Field(
        default=0.95, description="The primary grade keeps at least this share of the baseline's."
    )
    latency: float | None = Field(default=1.10, description="Latency stays under this multiple.")
    cost: float | None = Field(default=1.20, description="Cost stays under this multiple.")
    alpha: float = Field(default=0.05, description="Intervals are 1 - alpha wide.")

    model_config = ConfigDict(extra="forbid")


class ComparisonIn(Schema):
    """What to compare, on the held-out rows of a dataset version or on a suite that exists."""

    candidate: str = Field(description="A model's id, NAME@NUMBER, NAME, or connection:NAME/MODEL.")
    baseline: str = Field("base", description="The same, or `base`: what the candidate was tuned from.")
    dataset: str = Field("", description="NAME@VERSION (or NAME for the newest); only held-out rows are asked.")
    suite: str = Field("", description="Instead of a dataset: the id of a suite.")
    split: Literal["", "test", "validation"] = Field(
        "", description="Default: test where it has rows, else validation."
    )
    turns: Literal["last", "each"] = Field("last", description="Ask for the final answer, or for each answer.")
    most: int | None = Field(None, description="At most so many conversations, picked by their content.")
    settings: SettingsIn = SettingsIn()
    candidate_settings: CandidateSettingsIn | None = None
    rules: RulesIn = RulesIn()
    graders: list[dict[str, Any] | str] | None = Field(
        None,
        description="Definitions, or confirmed graders of the project as SLUG or SLUG@NUMBER; the first is the primary one. "
        "Default: chosen by what the references hold.",
    )
    name: str = Field("", max_length=200)

    model_config = ConfigDict(extra="forbid")


class ComparisonConfirmed(ComparisonIn):
    """The same, agreed to where models are to judge."""

    confirmed: str = Field("", max_length=40, description=CONFIRMED)


class JudgePrice(Schema):
    """One grader that asks a model."""

    grader: str = Field(description="SLUG@NUMBER")
    connection: str
    models: list[str]
    price: str
    items: int
    calls: int


class JudgesPriceOut(Schema):
    """What its judges are estimated to cost. Nothing is asked by asking for it."""

    price: str = Field(description='US dollars, or "unknown" where a model has no price in its connection.')
    is_free: bool
    why_unknown: str
    answers: int = Field(description="Of both models, to what both are asked.")
    reused: int = Field(description="Judgments that are there already: they cost nothing.")
    items: int = Field(description="Judgments to be made.")
    calls: int = Field(description="Requests to models.")
    input_tokens: int = Field(
        description="Estimate, characters / 4; answers to come are taken to be as long as they may be."
    )
    output_tokens: int = Field(description="At most.")
    looked_at: int = Field(description="Of so many the prompt was really made; the rest is taken to be as long.")
    judges: list[JudgePrice]


class JudgeRestIn(Schema):
    """What is asked again besides what waits."""

    again_unknown: bool = Field(False, description="Also those whose outcome is unknown: they may be paid for twice.")
    again_failed: bool = False

    model_config = ConfigDict(extra="forbid")


class JudgeOnIn(JudgeRestIn):
    """The same, agreed to."""

    confirmed: str = Field("", max_length=40, description=CONFIRMED)


class JudgingOut(Schema):
    """How far the judges are."""

    status: str = Field(description="waiting (for the answers), running, done, stopped or cancelled")
    error: str = Field(description="Why it stopped.")
    counts: dict[str, int] = Field(description="waiting, asking, done, failed, unknown.")
    agreed_usd: str | None = Field(description="It stops when it has cost more. null: the price is not known.")
    cost_usd: str = Field(description="What this comparison paid so far.")


class JudgedAnswer(Schema):
    """One answer before one judge: what was sent and what came, as it was. null is not known, never 0."""

    scenario: int
    side: Literal["baseline", "candidate"]
    grader: str = Field(description="SLUG@NUMBER")
    status: str = Field(description="waiting, asking, done, failed or unknown")
    value: float | None = Field(description="0 to 1")
    passed: bool | None
    reason: str
    error: str
    prompt: Any
    reply: Any
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: str | None
    latency_ms: int | None


class JudgedAnswers(Schema):
    """A page of judgments, in the order in which they are asked."""

    items: list[JudgedAnswer]
    next: str | None


class SideOut(Schema):
    """One model and how far it is."""

    model: UUID
    name: str
    status: str = Field(description="queued, running, succeeded, failed or cancelled")
    status_reason: str
    settings: dict[str, Any]
    answered: int
    errors: int = Field(description="Of the answered: those with an error instead of an answer.")
    scenarios: int


class ComparisonSummary(Schema):
    """A comparison as lists show it."""

    id: UUID
    name: str
    status: str = Field(description="running, done or failed")
    verdict: str | None = Field(description="APPROVE, REJECT or INCONCLUSIVE once it is done.")
    sentence: str = Field(description="Why, in one sentence.")
    baseline: str
    candidate: str
    suite: str
    requested_by: str
    created_at: datetime
    decided_at: datetime | None


class ComparisonOut(ComparisonSummary):
    """One comparison with all that its verdict rests on. null is not known or has no end, never 0."""

    status_reason: str
    sides: dict[str, SideOut]
    suite_id: UUID
    suite_hash: str
    scenarios: int
    rules: dict[str, Any]
    primary: str = Field(description="Name of the primary grader.")
    metrics: list[dict[str, Any]] = Field(
        description="Per measure: name, kind, n, left_out, missing (to be judged, and without a judgment), baseline, candidate, "
        "difference with low and high, "
        "ratio with its interval, limit, guard (pass, fail, open, watched, unmeasured), needed, p, p_holm, fixed, broke, method."
    )
    further: list[str] = Field(description="What else is to be known, in sentences.")
    judging: JudgingOut | None = Field(description="Of graders that ask a model; null where there are none.")


class ComparisonList(Schema):
    """A page of comparisons, newest first."""

    items: list[ComparisonSummary]
    next: str | None
