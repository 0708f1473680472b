"""Loading what a job starts from: the tiny model, a folder or a hub id, with or without an adapter on it.

`base` of job.json: {"source": "tiny" | "folder" | "hub", "reference": folder or hub id, "adapter": folder or null,
"digest": what the tiny model must be, or ""}.
"""

from pathlib import Path
from typing import Any

from training.workers import tiny
from training.workers.process import ConfigError, Worker


def locate(worker: Worker) -> tuple[str, dict[str, Any]]:
    """(folder or hub id to load, facts). Builds the tiny model. Raises ConfigError with what is wrong and where."""
    base = worker.job["base"]
    source, reference = base["source"], str(base.get("reference", ""))
    if source == "tiny":
        folder = worker.folder / "base"
        facts = tiny.build(folder)
        if base.get("digest") and base["digest"] != facts["digest"]:
            raise ConfigError(
                "The tiny random model came out differently here than where the model was tuned (other versions of "
                "torch or trl), so the two do not fit together. Train again."
            )
        return str(folder), facts
    if source == "hub":
        return reference, {"name": reference}
    folder = Path(reference).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"The folder {reference} does not exist on this machine.")
    if not (folder / "config.json").is_file():
        raise ConfigError(f"The folder {reference} holds no config.json: it is not a model in Hugging Face form.")
    return str(folder), {"name": folder.name}


def load_tokenizer(worker: Worker, location: str) -> Any:
    """The tokenizer, with a pad token that is not silently the end token's label."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(location)
    except (OSError, ValueError) as error:
        raise ConfigError(f"The tokenizer of {location} cannot be loaded: {_first_line(error)}") from error
    if tokenizer.eos_token_id is None:
        raise ConfigError(f"The tokenizer of {location} has no end token, so a model could not learn to stop.")
    if tokenizer.pad_token_id is None:
        # harmless here: labels are masked by position, never by the pad token's id
        tokenizer.pad_token = tokenizer.eos_token
    if not tokenizer.chat_template:
        raise ConfigError(
            f"The tokenizer of {location} has no chat template: it is a base model that knows no conversations. "
            "Choose an instruct model."
        )
    return tokenizer


def load_model(worker: Worker, location: str, *, trainable: bool) -> Any:
    """The model on its device (float32 on a CPU, bfloat16 on a GPU that can), with the adapter where there is one."""
    import torch
    from transformers import AutoModelForCausalLM

    half = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    wanted = str(worker.job.get("settings", {}).get("dtype", "auto"))
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}.get(
        wanted, torch.bfloat16 if half else torch.float32
    )
    try:
        model = AutoModelForCausalLM.from_pretrained(location, dtype=dtype)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"The model {location} cannot be loaded: {_first_line(error)}") from error
    if adapter := worker.job["base"].get("adapter"):
        from peft import PeftModel

        try:
            model = PeftModel.from_pretrained(model, str(worker.path(adapter)), is_trainable=trainable)
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(f"The adapter does not fit its base: {_first_line(error)}") from error
    return model.to("cuda") if torch.cuda.is_available() else model


def use_threads(worker: Worker) -> int:
    """Set and return the number of CPU threads: one for the tiny model (more only slow it down), else all."""
    import os

    import torch

    count = int(worker.job.get("threads") or 0) or (
        1 if worker.job["base"]["source"] == "tiny" else os.cpu_count() or 1
    )
    torch.set_num_threads(count)
    return count


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
