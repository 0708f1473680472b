"""Supervised fine-tuning with LoRA: its settings, with defaults, limits and words of help.

The worker (training.workers.sft) takes exactly these keys. Defaults are for LoRA on an instruct model; the tiny random
model starts from noise and needs larger steps.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Value = int | float | bool | str | None


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `least` and `most` are inclusive; `tiny` is the default where the base is the tiny random model."""

    name: str
    label: str
    kind: Literal["whole", "number", "choice", "yesno"]
    default: Value
    help: str
    tiny: Value = None
    least: float | None = None
    most: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    group: str = "more"

    def default_for(self, source: str) -> Value:
        """The default for a base of this source (ModelVersion.Source)."""
        return self.tiny if source == "tiny" and self.tiny is not None else self.default


SETTINGS: tuple[Setting, ...] = (
    Setting("epochs", "Epochs", "number", 3.0, "How often every row is seen.", least=0.01, most=100, group="main"),
    Setting(
        "learning_rate", "Learning rate", "number", 2e-4, "Size of the steps. Too high: the loss jumps. Too low: it "
        "hardly moves.", tiny=1e-2, least=1e-7, most=1.0, group="main",
    ),
    Setting("batch_size", "Batch size", "whole", 2, "Rows per step on the device. Lower it when memory runs out.",
            tiny=4, least=1, most=256, group="main"),
    Setting("accumulate", "Gradient accumulation", "whole", 4, "Batches per step of the optimiser. Batch size × this = "
            "rows per step.", tiny=1, least=1, most=1024, group="main"),
    Setting("max_length", "Longest row (tokens)", "whole", 2048, "Rows over this are handled as chosen below; how many "
            "is reported before training starts.", tiny=4096, least=16, most=1_000_000, group="main"),
    Setting("too_long", "Rows over the limit", "choice", "drop", "A cut row may lose its answer.", group="main",
            choices=(("drop", "Leave out, and say how many"), ("cut", "Cut at the end"), ("refuse", "Do not start"))),
    Setting("loss_on", "Learn from", "choice", "assistant", "What carries loss. Learning tool results teaches a model "
            "to invent them.", choices=(("assistant", "What the assistant said"), ("all", "Everything"))),
    Setting("lora_r", "LoRA rank", "whole", 16, "How much the adapter can hold.", least=1, most=512),
    Setting("lora_alpha", "LoRA alpha", "whole", 32, "Weight of the adapter; usually twice the rank.",
            least=1, most=2048),
    Setting("lora_dropout", "LoRA dropout", "number", 0.0, "Share of the adapter switched off per step.",
            least=0, most=0.9),
    Setting("use_dora", "DoRA", "yesno", False, "Learn magnitude and direction apart: a little better, slower."),
    Setting("use_rslora", "rsLoRA", "yesno", False, "Scale by the root of the rank: steadier at high ranks."),
    Setting("schedule", "Schedule", "choice", "cosine", "How the learning rate falls.",
            choices=(("cosine", "Cosine"), ("linear", "Linear"), ("constant_with_warmup", "Constant"))),
    Setting("warmup", "Warm-up", "number", 0.05, "Share of the steps in which the learning rate rises.",
            least=0, most=0.99),
    Setting("max_grad_norm", "Gradient limit", "number", 1.0, "Longer gradients are shortened to this.",
            least=0.001, most=1000),
    Setting("weight_decay", "Weight decay", "number", 0.0, "Pull of the weights towards zero.", least=0, most=1),
    Setting("max_steps", "Steps at most", "whole", None, "Overrides the epochs. Empty: no limit.",
            least=1, most=10_000_000,
            optional=True),
    Setting("save_steps", "Checkpoint every", "whole", 50, "Steps. A run that dies goes on from the newest one.",
            tiny=20, least=1, most=1_000_000),
    Setting("keep_checkpoints", "Checkpoints kept", "whole", 3, "Older ones are deleted.", least=1, most=100),
    Setting("eval_steps", "Validate every", "whole", 0, "Steps; 0: with every checkpoint.", least=0, most=1_000_000),
    Setting("logging_steps", "Report every", "whole", 1, "Steps between two points of the loss chart.",
            least=1, most=1000),
    Setting("dtype", "Number format", "choice", "auto", "Auto: bfloat16 on a GPU that can, else float32.",
            choices=(("auto", "Auto"), ("float32", "float32"), ("bfloat16", "bfloat16"))),
    Setting("seed", "Seed", "whole", 42, "The same seed, data and settings give the same run.",
            least=0, most=2**31 - 1),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}


class InvalidSettings(ValueError):
    """Some settings cannot be used: `errors` names each with the reason."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in errors.items()))


@dataclass(frozen=True, slots=True)
class Steps:
    """How long a run will be, as far as the rows tell: rows left out for their length make it shorter."""

    total: int
    per_epoch: int
    rows_per_step: int
    checkpoints: int
    notes: list[str] = field(default_factory=list)


def check(values: Mapping[str, Any], *, source: str) -> dict[str, Value]:
    """All settings, typed: `values` (text or JSON) where given and not empty, else the default for a base of `source`.

    Raises InvalidSettings that names every key that is unknown, of the wrong kind or out of range.
    """
    errors = {
        name: f"there is no such setting; there are {', '.join(BY_NAME)}" for name in values if name not in BY_NAME
    }
    checked: dict[str, Value] = {}
    for setting in SETTINGS:
        value = values.get(setting.name)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "":
            checked[setting.name] = setting.default_for(source)
            continue
        try:
            checked[setting.name] = _typed(setting, value)
        except ValueError as error:
            errors[setting.name] = str(error)
    if errors:
        raise InvalidSettings(errors)
    return checked


def _typed(setting: Setting, value: Any) -> Value:
    if setting.kind == "choice":
        if str(value) not in dict(setting.choices):
            raise ValueError(f"{value!r} is none of {', '.join(key for key, _ in setting.choices)}")
        return str(value)
    if setting.kind == "yesno":
        text = str(value).lower()
        if text not in ("true", "false", "1", "0", "on", "off", "yes", "no"):
            raise ValueError(f"{value!r} is neither true nor false")
        return text in ("true", "1", "on", "yes")
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    if setting.kind == "whole" and number != int(number):
        raise ValueError(f"{value!r} is no whole number")
    if setting.least is not None and number < setting.least:
        raise ValueError(f"{value} is below {setting.least:g}")
    if setting.most is not None and number > setting.most:
        raise ValueError(f"{value} is above {setting.most:g}")
    return int(number) if setting.kind == "whole" else number


def estimate(settings: Mapping[str, Any], *, rows: int) -> Steps:
    """Steps that `rows` training rows give, counted as the trainer does (the last, smaller batch counts)."""
    batches = math.ceil(rows / int(settings["batch_size"]))
    accumulate = int(settings["accumulate"])
    per_epoch = max(1, math.ceil(batches / accumulate))
    total = int(settings["max_steps"] or 0) or math.ceil(float(settings["epochs"]) * per_epoch)
    notes = []
    if rows and rows < int(settings["batch_size"]) * accumulate:
        notes.append(f"All {rows} rows fit into one step: a smaller batch gives the model more steps to learn in.")
    if 0 < total < 10:
        notes.append(f"Only {total} steps: too few to learn much.")
    return Steps(
        total=total,
        per_epoch=per_epoch,
        rows_per_step=int(settings["batch_size"]) * accumulate,
        checkpoints=math.ceil(total / int(settings["save_steps"])),
        notes=notes,
    )
