"""How far the judging of a comparison is, and what the judges said."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Min

from evaluation.judging import calls
from evaluation.models import Comparison, JudgeCall, Judging

Status = JudgeCall.Status
REASONS = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """Answers before their judges, by what became of them; what it cost so far, of what was agreed to (None: the price is
    not known). `reasons`: why some failed, the most frequent first, with how many. `unpriced`: of those with a
    judgment, what they cost is not known."""

    judging: Judging
    counts: dict[str, int]
    reasons: tuple[tuple[str, int], ...]
    unpriced: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """Those with a judgment."""
        return self.counts[Status.DONE]

    @property
    def lost(self) -> int:
        """Those that were asked for and have none."""
        return self.counts[Status.FAILED] + self.counts[Status.UNKNOWN]

    @property
    def waiting(self) -> int:
        """Those that nobody took yet."""
        return self.counts[Status.WAITING]

    @property
    def unknown(self) -> int:
        """Those that may have been paid for."""
        return self.counts[Status.UNKNOWN]

    @property
    def failed(self) -> int:
        """Those whose judge gave nothing that can be read, or refused."""
        return self.counts[Status.FAILED]

    @property
    def cost_usd(self) -> Decimal:
        """US dollars that this comparison paid."""
        return self.judging.cost_usd


def of(comparison: Comparison) -> Progress | None:
    """None where nobody judges. Two queries, three where some failed."""
    judging = Judging.objects.filter(comparison=comparison).first()
    if judging is None:
        return None
    counts = Counter(dict.fromkeys(Status.values, 0))
    rows = calls.rows(comparison)
    unpriced = 0
    told = rows.values_list("status").annotate(count=Count("pk"), priced=Count("cost_usd"), asked=Count("prompt"))
    for status, count, priced, asked in told:
        counts[status] = count
        unpriced += asked - priced if status == Status.DONE else 0
    reasons: tuple[tuple[str, int], ...] = ()
    if counts[Status.FAILED] or counts[Status.UNKNOWN]:
        lost = rows.filter(status__in=[Status.FAILED, Status.UNKNOWN]).values("error")
        frequent = lost.annotate(count=Count("pk"), first=Min("pk")).order_by("-count", "first")
        reasons = tuple((one["error"], one["count"]) for one in frequent[:REASONS])
    return Progress(judging, dict(counts), reasons, unpriced)
