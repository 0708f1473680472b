"""How a version is made from a filter: the recipe, kept word for word on the version so that it can be run again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from curation.datasets import recipe_parts as parts
from curation.datasets.recipe_parts import Balance, Coreset, Gate, Measure, Mix, Replay

TASKS = {
    "chat": "Answers as they were given",
    "tool_selection": "Which tools a request needs",
    "summariser": "From what tools returned to the answer",
    "error_recovery": "What to do when a tool fails",
    "corrections": "Answers that people edited",
    "distillation": "Passed runs of a stronger model",
    "trajectories": "Whole runs, chosen by reward and length",
    "pairs": "A better and a worse answer (DPO)",
    "labels": "One answer, wanted or not (KTO)",
    "prompts": "Requests alone, with what graders need (RFT, GRPO)",
}
JUDGMENTS = {
    "acceptable": "judged acceptable",
    "unacceptable": "judged unacceptable",
    "unjudged": "not judged by anybody",
}
CORRECTIONS = {
    "use": "A corrected answer takes the place of the given one",
    "rescue": "The same, and a rejected trace comes in where somebody corrected it",
    "ignore": "Every answer stays as the agent gave it",
}
BAD_STEPS = {"keep": "Learned like any other", "mask": "Context only: steps judged bad are not learned"}
DEDUPES = {
    "none": "Keep copies",
    "exact": "Take what says the same once",
    "near": "Take what says nearly the same once",
}
OUTLIERS = {"": "Keep all", "length": "Leave out rows of unusual length", "content": "Leave out rows unlike all others"}
PERSONAL = {
    "tell": "Count it",
    "exclude": "Leave out rows with personal data",
    "replace": "Put pseudonyms in its place on export",
}
GROUPS = {
    "task": "Task, else session, else the trace alone",
    "session": "Session, else the trace alone",
    "user": "User, else session, else the trace alone",
    "trace": "Each trace alone",
    "cluster": "What says nearly the same, else as by task",
}
ORDERS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "sample": "A sample, drawn by the seed",
    "composite": "Best score first",
}
HELD_OUT = {"project": "Of every dataset of the project", "dataset": "Of this dataset only"}
LARGEST_SEED = 2**63 - 1
LARGEST_LIMIT = 1_000_000
MOST_FOLDS = 20
FOR_READERS = ("train", "as_of")  # on stored recipes beside the options


class RecipeError(ValueError):
    """A recipe that cannot be followed; `problems` are (field, reason) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is taken and how it is split. Shares are parts of one; the train split gets what the other two leave."""

    task: str = "chat"
    task_options: Mapping[str, Any] = field(default_factory=dict)
    upload: str = ""
    until: str = ""
    judgments: tuple[str, ...] = ("acceptable",)
    corrections: str = "use"
    bad_steps: str = "keep"
    measures: tuple[Measure, ...] = ()
    min_quality: float | None = None
    min_confidence: float | None = None
    gates: tuple[Gate, ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    required: tuple[str, ...] = ()
    min_score: float | None = None
    use_original_outputs: bool = True
    answers_from: str = ""
    dedupe: str = "exact"
    near_threshold: float = 0.7
    outliers: str = ""
    personal: str = "tell"
    balance: Balance | None = None
    coreset: Coreset | None = None
    mix: Mix | None = None
    replay: Replay | None = None
    max_examples: int | None = None
    limit: int | None = None
    order: str = "newest"
    seed: int = 0
    validation: float = 0.1
    test: float = 0.1
    group_by: str = "task"
    stratify: str = ""
    folds: int = 0
    held_out: str = "project"

    @property
    def train(self) -> float:
        """The share of the train split."""
        return round(1 - self.validation - self.test, 9)

    @property
    def scores(self) -> dict[str, str]:
        """Every score that the recipe names -> the field that names it first."""
        named = {name: f"required[{index}]" for index, name in reversed(list(enumerate(self.required)))}
        named |= {name: f"weights.{name}" for name, _ in self.weights}
        named |= {gate.score: f"gates[{index}].score" for index, gate in reversed(list(enumerate(self.gates)))}
        named |= {one.score: f"measures[{index}].score" for index, one in reversed(list(enumerate(self.measures)))}
        if self.coreset is not None and self.coreset.needs_losses:
            named.setdefault(self.coreset.loss, "coreset.loss")
        return named

    def plain(self) -> dict[str, Any]:
        """As JSON, `train` included for readers."""
        return {one.name: _plain(getattr(self, one.name), one.name) for one in fields(self)} | {"train": self.train}


def parse(given: Mapping[str, Any]) -> Recipe:
    """A recipe from plain values; what is not given has its default. Raises RecipeError naming every wrong field.

    `train` may be given and must then fit the other two shares. Recipes of earlier versions read as they were meant:
    dedupe true is exact, false is none.
    """
    values = _read(given)
    problems = _shares(values, given) + _together(Recipe(**values))
    if problems:
        raise RecipeError(problems)
    return Recipe(**values)


def stored(given: Mapping[str, Any]) -> Recipe:
    """A recipe as a version or a freezing holds it, to be shown: whether its fields fit each other by today's rules is not
    asked."""
    return Recipe(**_read(given))


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    problems: list[tuple[str, str]] = []
    known = {one.name for one in fields(Recipe)} | set(FOR_READERS)
    problems += [(name, "there is no such option") for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in given:
            try:
                values[name] = read(given[name])
            except parts.FieldError as error:
                problems += [(f"{name}{path}", reason) for path, reason in error.problems]
            except ValueError as error:
                problems.append((name, str(error)))
    if problems:
        raise RecipeError(problems)
    return values


def rerun(held: Mapping[str, Any]) -> Recipe:
    """The recipe of a frozen version, to be followed again as of the moment when it was frozen."""
    return replace(parse(held), until=held.get("until") or held.get("as_of", ""))


def _together(chosen: Recipe) -> list[tuple[str, str]]:
    """Fields that do not fit each other, and options that the task does not take."""
    from curation.datasets import tasks  # tasks are made by recipes, and read them

    told: list[tuple[str, str]] = []
    try:
        options = tasks.check(tasks.find(chosen.task), chosen.task_options)
        if chosen.task == "distillation" and not (options["teachers"] or options["measure"] or _measured(chosen)):
            told.append(("task_options.teachers", "name a teacher, or a measure that its runs passed"))
    except tasks.OptionsError as error:
        told += [(f"task_options.{name}", reason) for name, reason in error.problems]
    if chosen.min_score is not None and not chosen.weights:
        told.append(("min_score", "needs weights: say which scores it is made of"))
    if chosen.order == "composite" and not chosen.weights:
        told.append(("order", "composite needs weights: say which scores it is made of"))
    if chosen.answers_from and chosen.use_original_outputs and chosen.task != "pairs":  # pairs take both
        told.append(("answers_from", "stored answers are used; say use_original_outputs false to take these"))
    if not chosen.use_original_outputs and not chosen.answers_from:
        told.append(("answers_from", "must name the generation batch whose answers take the place of the stored ones"))
    if chosen.mix and chosen.balance:
        told.append(("balance", "a mix sets the shares already; use one of the two"))
    return told


def _measured(chosen: Recipe) -> bool:
    """Whether the recipe itself asks for a score or names whose answers are taken."""
    return bool(
        chosen.measures or chosen.gates or chosen.required or chosen.min_score is not None or chosen.answers_from
    )


def _shares(values: dict[str, Any], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    usual = Recipe()
    rest = 1 - values.get("validation", usual.validation) - values.get("test", usual.test)
    if rest <= 1e-9:
        return [("validation", "validation and test leave nothing to train on; together they must stay below 100 %")]
    if "train" in given:
        try:
            train = parts.share(given["train"])
        except ValueError as error:
            return [("train", str(error))]
        if abs(train - rest) > 1e-6:
            return [("train", f"the three shares add up to {1 - rest + train:g}; they must add up to 1")]
    return []


def _plain(value: Any, name: str = "") -> Any:
    if name == "weights":
        return dict(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value.plain() if hasattr(value, "plain") else value


def _verdicts(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
    wrong = [str(name) for name in names if name not in JUDGMENTS]
    if "unsure" in wrong:
        raise ValueError("unsure never trains")
    if wrong or not names:
        raise ValueError(f"must be some of {', '.join(JUDGMENTS)}")
    return tuple(name for name in JUDGMENTS if name in names)


def _dedupe(value: Any) -> str:
    if isinstance(value, bool):  # recipes of the first versions
        return "exact" if value else "none"
    return parts.one_of(DEDUPES)(value)


def _folds(value: Any) -> int:
    found = parts.whole(value, least=0, most=MOST_FOLDS)
    if found == 1:
        raise ValueError(f"must be 0 (none) or from 2 to {MOST_FOLDS}")
    return found


def _count(value: Any) -> int:
    return parts.whole(value, least=1, most=LARGEST_LIMIT)


_READERS: dict[str, Callable[[Any], Any]] = {
    "task": parts.one_of(TASKS),
    "task_options": parts.options,
    "upload": parts.identifier,
    "until": parts.moment,
    "judgments": _verdicts,
    "corrections": parts.one_of(CORRECTIONS),
    "bad_steps": parts.one_of(BAD_STEPS),
    "measures": parts.measures,
    "min_quality": parts.optional(lambda value: parts.number(value, least=0, most=5)),
    "min_confidence": parts.optional(parts.share),
    "gates": parts.gates,
    "weights": parts.weights,
    "required": parts.names,
    "min_score": parts.optional(parts.share),
    "use_original_outputs": parts.flag,
    "answers_from": parts.identifier,
    "dedupe": _dedupe,
    "near_threshold": lambda value: parts.number(value, least=0.5, most=1),
    "outliers": parts.one_of(OUTLIERS),
    "personal": parts.one_of(PERSONAL),
    "balance": parts.balance,
    "coreset": parts.coreset,
    "mix": parts.mix,
    "replay": parts.replay,
    "max_examples": parts.optional(_count),
    "limit": parts.optional(_count),
    "order": parts.one_of(ORDERS),
    "seed": lambda value: parts.whole(value, least=0, most=LARGEST_SEED),
    "validation": parts.share,
    "test": parts.share,
    "group_by": parts.one_of(GROUPS),
    "stratify": parts.one_of(("", "topic")),
    "folds": _folds,
    "held_out": parts.one_of(HELD_OUT),
}
