"""From compared metrics to one of three verdicts, with the sentence why.

APPROVE   every limit is proven to be kept, at least one key metric is proven better, none is proven worse.
REJECT    a limit is proven to be broken.
INCONCLUSIVE   anything else; the sentence says what is missing, in scenarios where that is what is missing.

All limits must hold together, which needs no correction for being several (intersection-union test: Berger 1982);
"at least one is better" does (Holm). A measure that neither side has (the cost of a local model) is named and not held
against anybody. A limited one that only one side has proves nothing, so nothing is approved. Scenarios that a judge has no judgment for
are left out of its measure and counted; where too many are (metrics.MOST_MISSING), it is not measured at all.
"""

from dataclasses import dataclass, field
from typing import Any

from evaluation.compare.metrics import FAIL, OPEN, PASS, UNMEASURED, Metric, correct

APPROVE, REJECT, INCONCLUSIVE = "APPROVE", "REJECT", "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits as ratios of candidate to baseline; None only watches. Defaults: accuracy at least 95 %, latency under
    110 %, cost under 120 % of the baseline's."""

    accuracy: float | None = 0.95
    latency: float | None = 1.10
    cost: float | None = 1.20
    alpha: float = 0.05

    def as_json(self) -> dict[str, Any]:
        """For storing beside the result."""
        return {"accuracy": self.accuracy, "latency": self.latency, "cost": self.cost, "alpha": self.alpha}


class BadRules(ValueError):
    """A limit that makes no sense: `where` and `reason`."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def read_rules(given: Any) -> Rules:
    """Rules from JSON; what is absent has its default, null only watches. Raises BadRules."""
    if not isinstance(given, dict):
        raise BadRules("rules", "an object is needed.")
    bounds = {"accuracy": (0.0, 1.0), "latency": (1.0, 100.0), "cost": (1.0, 100.0), "alpha": (0.0, 0.5)}
    for key, value in given.items():
        if key not in bounds:
            raise BadRules(f"rules.{key}", f"no such rule; known are {', '.join(bounds)}.")
        low, high = bounds[key]
        if value is None and key != "alpha":
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not low < value < high:
            raise BadRules(f"rules.{key}", f"{value!r} is not a number between {low:g} and {high:g}.")
    return Rules(**given)


@dataclass(slots=True)
class Decision:
    """The verdict, its sentence, and further sentences for the page."""

    outcome: str
    sentence: str
    further: list[str] = field(default_factory=list)


def decide(*, metrics: list[Metric], rules: Rules, candidate: str, labels: dict[str, str]) -> Decision:
    """The verdict over `metrics`, the primary one first. `labels` are the names of metrics in words, `candidate` the
    name of the model that is asked about."""
    correct(metrics)
    words = _Words(candidate, labels, rules)
    further = words.unmeasured(metrics)
    limited = [metric for metric in metrics if metric.limit is not None and metric.guard != UNMEASURED]
    if not metrics or metrics[0].guard == UNMEASURED:
        return Decision(INCONCLUSIVE, words.nothing(metrics), further)
    if broken := [metric for metric in limited if metric.guard == FAIL]:
        return Decision(REJECT, words.broken(broken), further)
    if one_sided := [metric for metric in metrics if _one_sided(metric)]:
        return Decision(INCONCLUSIVE, words.one_sided(one_sided), further)
    better = [metric for metric in metrics if metric.better(rules.alpha)]
    worse = [metric for metric in metrics if metric.worse(rules.alpha)]
    if worse:
        further.insert(0, words.worse(worse))
    if unproven := [metric for metric in limited if metric.guard == OPEN]:
        return Decision(INCONCLUSIVE, words.unproven(unproven), [*further, *words.also_unproven(unproven)])
    if not better:
        return Decision(INCONCLUSIVE, words.no_gain(metrics[0], limited=bool(limited)), further)
    if worse:
        return Decision(INCONCLUSIVE, f"{words.better(better)}, but {words.worse(worse, inside=True)}.", further[1:])
    held = "and breaks no limit" if any(metric.guard == PASS for metric in limited) else "and nothing is limited"
    return Decision(APPROVE, f"{words.better(better)} {held}.", further)


class _Words:
    """How findings are told."""

    def __init__(self, candidate: str, labels: dict[str, str], rules: Rules) -> None:
        self.candidate = candidate
        self.labels = labels
        self.rules = rules

    def label(self, metric: Metric) -> str:
        return self.labels.get(metric.name, metric.name)

    def better(self, metrics: list[Metric]) -> str:
        return f"{self.candidate} is better in {_list([self._change(metric) for metric in metrics])}"

    def worse(self, metrics: list[Metric], *, inside: bool = False) -> str:
        told = f"worse in {_list([self._change(metric) for metric in metrics])}"
        return told if inside else f"It is {told}."

    def broken(self, metrics: list[Metric]) -> str:
        told = [f"{self._change(metric)} is {self._best(metric)}, where {self._asked(metric)}" for metric in metrics]
        return f"{self.candidate} breaks {'a limit' if len(told) == 1 else f'{len(told)} limits'}: {'; '.join(told)}."

    def unproven(self, metrics: list[Metric]) -> str:
        metric = _hardest(metrics)
        if metric.needed is None:
            reason = metric.notes[0] if metric.notes else "Its interval has no end."
            return f"Nothing is decided by {self.label(metric)}. {reason}"
        needed = metric.needed
        if needed <= metric.n:
            return f"{_scenarios(metric.n)} {_verb(metric.n, 'leave')} open whether {self._kept(metric)}."
        few = f"{_scenarios(metric.n)} {_verb(metric.n, 'are')} too few to show that {self._kept(metric)}"
        return f"{few}; about {needed:,} are needed."

    def also_unproven(self, metrics: list[Metric]) -> list[str]:
        others = [metric for metric in metrics if metric is not _hardest(metrics)]
        told = [f"Open too: whether {self._kept(metric)}." for metric in others]
        return told + [note for metric in others for note in metric.notes]

    def no_gain(self, primary: Metric, *, limited: bool) -> str:
        kept = "keeps every limit but " if limited else ""
        told = f"{self.candidate} {kept}shows no gain that chance could not explain"
        if primary.needed_gain is not None and primary.needed_gain > primary.n:
            return (
                f"{told}; to see 5 points in {self.label(primary)}, about {primary.needed_gain:,} scenarios are needed."
            )
        return f"{told}, and {primary.n} scenarios would have been enough to see 5 points."

    def nothing(self, metrics: list[Metric]) -> str:
        if not metrics or not metrics[0].missing:
            return "No scenario was measured for both models, so nothing can be said."
        return f"Nothing is decided by {self.label(metrics[0])}. {metrics[0].notes[0]}"

    def unmeasured(self, metrics: list[Metric]) -> list[str]:
        absent = [self._absent(metric) for metric in metrics if metric.guard == UNMEASURED and not _one_sided(metric)]
        some = [metric for metric in metrics if metric.missing and metric.guard != UNMEASURED]
        left = [f"Without a judgment by {self.label(one)}, and left out: {_scenarios(one.missing)}." for one in some]
        return [*([f"Not measured: {', '.join(absent)}."] if absent else []), *left]

    def _absent(self, metric: Metric) -> str:
        missing = f" ({_scenarios(metric.missing)} without a judgment)" if metric.missing else ""
        return f"{self.label(metric)}{missing}"

    def one_sided(self, metrics: list[Metric]) -> str:
        told = [f"whether {self._kept(metric)}" for metric in metrics]
        names = _list([self.label(metric) for metric in metrics])
        return f"It stays open {_list(told)}: {names} was measured for one of the two models only."

    def _change(self, metric: Metric) -> str:
        amount = metric.difference or 0.0
        if metric.lower_is_better:
            return f"{self.label(metric)} ({_signed(100 * amount)} %)"
        if metric.kind == "score":
            return f"{self.label(metric)} ({_signed(amount, 3)})"
        return f"{self.label(metric)} ({_signed(100 * amount)} points)"

    def _best(self, metric: Metric) -> str:
        """How far it is proven to be past the limit, on the scale of the change before it and of the limit after it."""
        if metric.lower_is_better:
            return f"up by at least {100 * ((metric.ratio_low or 1.0) - 1):.1f} %"
        return f"at best {100 * (metric.ratio_high or 0.0):.1f} % of the baseline"

    def _asked(self, metric: Metric) -> str:
        if metric.lower_is_better:
            return f"{100 * ((metric.limit or 1.0) - 1):.4g} % more is allowed"
        return f"{_percent(metric)} is asked"

    def _kept(self, metric: Metric) -> str:
        if metric.lower_is_better:
            return f"{self.label(metric)} stays under {_percent(metric)} of the baseline"
        return f"{_percent(metric)} of the baseline is kept in {self.label(metric)}"


def _one_sided(metric: Metric) -> bool:
    """A limited measure without a pair, though scenarios of one side have it."""
    return metric.guard == UNMEASURED and metric.limit is not None and metric.left_out > 0


def _hardest(metrics: list[Metric]) -> Metric:
    """The metric that needs most scenarios in proportion to what it has; one that no number helps comes last."""
    return max(metrics, key=lambda metric: -1.0 if metric.needed is None else metric.needed / max(1, metric.n))


def _percent(metric: Metric) -> str:
    return f"{100 * (metric.limit or 0.0):.4g} %"


def _scenarios(count: int) -> str:
    return "1 scenario" if count == 1 else f"{count:,} scenarios"


def _verb(count: int, plural: str) -> str:
    singular = {"are": "is", "leave": "leaves"}
    return singular[plural] if count == 1 else plural


def _signed(value: float, digits: int = 1) -> str:
    text = f"{abs(value):.{digits}f}"
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text


def _list(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
