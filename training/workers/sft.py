"""Supervised fine-tuning with LoRA: TRL's trainer around our own tokens and labels."""

import shutil
import time
from pathlib import Path
from typing import Any

from training import rundir
from training.workers import bases, masking, tiny
from training.workers.process import ConfigError, DataError, Worker, say


def train(worker: Worker) -> str:
    """Do the job of the folder. Returns "finished" or "stopped"."""
    worker.stage("load")
    import torch
    import transformers
    import trl
    from transformers import set_seed

    settings = worker.job["settings"]
    threads = bases.use_threads(worker)
    location, base_facts = bases.locate(worker)
    tokenizer = bases.load_tokenizer(worker, location)
    worker.stage("check")
    data, report = _examples(worker, tokenizer, settings)
    worker.check()
    set_seed(int(settings["seed"]))
    model = bases.load_model(worker, location, trainable=True)
    worker.emit(
        "loaded",
        base=base_facts,
        device=torch.cuda.get_device_name(0)
        if torch.cuda.is_available()
        else f"CPU, {threads} thread{'s' if threads > 1 else ''}",
        versions={"torch": torch.__version__, "trl": trl.__version__, "transformers": transformers.__version__},
        commit=getattr(model.config, "_commit_hash", None),
    )
    trainer = _trainer(worker, model=model, tokenizer=tokenizer, data=data, settings=settings)
    trainable = sum(parameter.numel() for parameter in trainer.model.parameters() if parameter.requires_grad)
    resume = _resume(worker)
    worker.stage("train")
    trainer.train(resume_from_checkpoint=resume)
    if worker.stopping and trainer.state.global_step < trainer.state.max_steps:
        worker.emit("stopped", step=trainer.state.global_step, saved=worker.keep)
        return "stopped"
    if data["validation"] and not any(
        "eval_loss" in log and log["step"] == trainer.state.global_step for log in trainer.state.log_history
    ):
        trainer.evaluate()
    worker.emit("stage", name="save")
    facts = {
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "trainable": trainable,
        "final_loss": _last(trainer, "loss"),
        "validation_loss": _last(trainer, "eval_loss"),
        "steps": trainer.state.global_step,
        "tokens": report.tokens,
        "trained_tokens": report.trained_tokens,
        "base": base_facts,
        "base_digest": base_facts.get("digest", ""),
    }
    _save(worker, trainer, tokenizer, facts)
    worker.emit("saved", path=rundir.MODEL, facts=facts, bytes=rundir.folder_bytes(worker.folder / rundir.MODEL))
    worker.emit("finished", step=trainer.state.global_step)
    shutil.rmtree(worker.folder / "cache", ignore_errors=True)
    return "finished"


def _examples(worker: Worker, tokenizer: Any, settings: dict[str, Any]) -> tuple[dict[str, Any], masking.Report]:
    """Tokenised train and validation data, reported before anything starts. Refuses when nothing is left."""
    data: dict[str, Any] = {"validation": []}
    for split, count in (worker.job["data"].get("skipped") or {}).items():
        if count:
            worker.warn(
                f"{count} {split} rows of the dataset cannot be written as trl-sft and were left out.", split=split
            )
    train_report = masking.Report()
    for split in ("train", "validation"):
        name = worker.job["data"].get(split)
        if not name:
            continue
        worker.check()
        examples, report = masking.prepare(
            masking.read_rows(worker.path(name)),
            tokenizer=tokenizer,
            max_length=int(settings["max_length"]),
            too_long=settings["too_long"],
            loss_on=settings["loss_on"],
        )
        worker.emit("data", split=split, **report.as_payload())
        _warn(worker, split, report, settings)
        data[split] = examples
        if split == "train":
            train_report = report
            if not examples:
                raise DataError(_nothing_left(report, settings))
    return data, train_report


def _warn(worker: Worker, split: str, report: masking.Report, settings: dict[str, Any]) -> None:
    if report.per_turn:
        worker.warn(
            "This model's chat template cannot mark the assistant's words, so each assistant turn became an example "
            f"of its own: {report.rows} {split} rows gave {report.examples} examples.",
            split=split,
        )
    if report.too_long:
        done = "cut at the end" if settings["too_long"] == "cut" else "left out"
        worker.warn(
            f"{len(report.too_long)} of {report.rows} {split} rows are longer than {settings['max_length']} tokens and "
            f"were {done} (longest: {report.longest}; first lines: {_lines(report.too_long)}).",
            split=split,
        )
    if report.untrained:
        worker.warn(
            f"{len(report.untrained)} {split} rows have no token to learn from within the limit and were left out "
            f"(first lines: {_lines(report.untrained)}).",
            split=split,
        )
    if report.unusable:
        number, reason = report.unusable[0]
        worker.warn(
            f"{len(report.unusable)} {split} rows cannot be used and were left out; line {number}: {reason}.",
            split=split,
        )
    if report.unstopped:
        worker.warn(
            f"{len(report.unstopped)} {split} rows do not end with the model's stop token inside the trained part: the "
            f"model may not learn to stop (first lines: {_lines(report.unstopped)}).",
            split=split,
        )


def _lines(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers[:5])


def _nothing_left(report: masking.Report, settings: dict[str, Any]) -> str:
    if not report.rows:
        return "There are no rows to train on."
    reasons = []
    if report.too_long:
        reasons.append(
            f"{len(report.too_long)} are longer than max_length={settings['max_length']} (longest: {report.longest})"
        )
    if report.untrained:
        reasons.append(f"{len(report.untrained)} have no trained token within the limit")
    if report.unusable:
        reasons.append(f"{len(report.unusable)} cannot be used (line {report.unusable[0][0]}: {report.unusable[0][1]})")
    return f"None of the {report.rows} rows is left to train on: {'; '.join(reasons)}."


def _trainer(worker: Worker, *, model: Any, tokenizer: Any, data: dict[str, Any], settings: dict[str, Any]) -> Any:
    import torch
    from datasets import Dataset
    from peft import LoraConfig, PeftModel
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    gpu = torch.cuda.is_available()
    validation = data["validation"]
    save_steps = int(settings["save_steps"])
    arguments = SFTConfig(
        output_dir=str(worker.folder / rundir.CHECKPOINTS),
        num_train_epochs=float(settings["epochs"]),
        max_steps=int(settings["max_steps"] or -1),
        per_device_train_batch_size=int(settings["batch_size"]),
        per_device_eval_batch_size=int(settings["batch_size"]),
        gradient_accumulation_steps=int(settings["accumulate"]),
        learning_rate=float(settings["learning_rate"]),
        lr_scheduler_type=settings["schedule"],
        warmup_steps=float(settings["warmup"]),
        max_grad_norm=float(settings["max_grad_norm"]),
        weight_decay=float(settings["weight_decay"]),
        max_length=int(settings["max_length"]),
        logging_steps=int(settings["logging_steps"]),
        logging_first_step=True,
        save_strategy="steps",
        save_steps=save_steps,
        save_total_limit=int(settings["keep_checkpoints"]),
        eval_strategy="steps" if validation else "no",
        eval_steps=int(settings["eval_steps"]) or save_steps,
        seed=int(settings["seed"]),
        data_seed=int(settings["seed"]),
        report_to="none",
        disable_tqdm=True,
        use_cpu=not gpu,
        bf16=_mixed(settings["dtype"], gpu=gpu, able=gpu and torch.cuda.is_bf16_supported()),
        fp16=False,
        gradient_checkpointing=gpu,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_num_workers=0,
    )
    lora = None
    if isinstance(model, PeftModel):
        worker.warn("The base is an adapter of an earlier run: its shape is kept and the LoRA settings do not apply.")
    else:
        lora = LoraConfig(
            r=int(settings["lora_r"]),
            lora_alpha=int(settings["lora_alpha"]),
            lora_dropout=float(settings["lora_dropout"]),
            use_dora=bool(settings["use_dora"]),
            use_rslora=bool(settings["use_rslora"]),
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(data["train"]),
        eval_dataset=Dataset.from_list(validation) if validation else None,
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[_callback(worker)],
    )
    trainer.remove_callback(PrinterCallback)  # the console has our lines already
    return trainer


def _mixed(dtype: str, *, gpu: bool, able: bool) -> bool:
    """Whether the GPU reckons in bfloat16, by the setting `dtype`; `able`: whether it can. Raises ConfigError."""
    if dtype == "bfloat16" and gpu and not able:
        raise ConfigError("This GPU cannot reckon in bfloat16. Choose float32 or auto.")
    return gpu and able and dtype != "float32"


def _callback(worker: Worker) -> Any:
    """Turns what the trainer does into events, and the wish to stop into a stop after the step."""
    from transformers import TrainerCallback

    recipe = rundir.recipe_hash(worker.job)

    class Told(TrainerCallback):
        """State of this attempt only: time left is never guessed from an earlier one's steps."""

        def __init__(self) -> None:
            self.began = self.told = self.counted_at = time.monotonic()
            self.first = 0
            self.tokens = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.began = self.counted_at = time.monotonic()
            self.first = state.global_step
            worker.emit("progress", step=state.global_step, total=state.max_steps, resumed_at=self.first)

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if worker.stopping:
                control.should_training_stop = True

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            now = time.monotonic()
            if now - self.told >= 0.5 or state.global_step >= state.max_steps:
                done = max(1, state.global_step - self.first)
                worker.emit(
                    "progress",
                    step=state.global_step,
                    total=state.max_steps,
                    epoch=state.epoch,
                    seconds_left=round((now - self.began) / done * (state.max_steps - state.global_step), 1),
                    resumed_at=self.first,
                )
                self.told = now
            if worker.stopping:
                control.should_training_stop = True
                control.should_save = worker.keep
                worker.emit("stopping", step=state.global_step, saving=worker.keep)
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            values = {key: value for key, value in (logs or {}).items() if isinstance(value, (int, float))}
            if "train_runtime" in values:  # the sums of the whole training, not a point of a curve
                worker.emit("summary", **values)
                return
            if "loss" in values:
                self._measure(values)
            worker.emit("metric", step=state.global_step, values=values)
            if "loss" in values:
                say(
                    f"step {state.global_step}  loss {values['loss']:.4f}  lr {values.get('learning_rate', 0):.2e}  "
                    f"grad {values.get('grad_norm', float('nan')):.2f}"
                )
            elif "eval_loss" in values:
                say(f"step {state.global_step}  validation {values['eval_loss']:.4f}")

        def _measure(self, values: dict[str, Any]) -> None:
            now, tokens = time.monotonic(), float(values.get("num_tokens", 0.0))
            if tokens > self.tokens > 0 and now > self.counted_at:
                values["tokens_per_second"] = (tokens - self.tokens) / (now - self.counted_at)
            self.tokens, self.counted_at = tokens, now
            values["memory_mb"] = _memory_mb()

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            rundir.write_json(folder / rundir.SEAL, {"recipe": recipe, "step": state.global_step})
            size = rundir.folder_bytes(folder)
            worker.emit("checkpoint", step=state.global_step, path=f"{rundir.CHECKPOINTS}/{folder.name}", bytes=size)
            say(f"checkpoint {state.global_step} saved")

    return Told()


def _memory_mb() -> float:
    """Memory in use now: of the GPU where there is one, else of this process."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.memory_allocated()) / 2**20
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * 4096 / 2**20


def _resume(worker: Worker) -> str | None:
    """The checkpoint to go on from, newest valid one first; the others are named in warnings."""
    recipe = rundir.recipe_hash(worker.job)
    for name in worker.job.get("resume_from", []):
        folder = worker.path(name)
        problem = rundir.checkpoint_problem(folder, recipe)
        if not problem:
            say(f"going on from {folder.name}")
            return str(folder)
        worker.warn(f"{folder.name} cannot be continued from: {problem}.")
    if worker.job.get("resume_from"):
        worker.warn("No checkpoint can be continued from: the training begins again at step 0.")
    return None


def _last(trainer: Any, name: str) -> float | None:
    return next((log[name] for log in reversed(trainer.state.log_history) if name in log), None)


def _save(worker: Worker, trainer: Any, tokenizer: Any, facts: dict[str, Any]) -> None:
    """Write the adapter, its tokenizer and our card into model/, which appears only when it is whole."""
    target, unfinished = worker.folder / rundir.MODEL, worker.folder / "model.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    trainer.save_model(str(unfinished))
    tokenizer.save_pretrained(str(unfinished))
    for name in ("training_args.bin", "README.md"):  # a pickle, and a card that names a path of this machine
        (unfinished / name).unlink(missing_ok=True)
    base = worker.job["base"]
    known = tiny.NAME if base["source"] == "tiny" else base.get("reference", "")
    config = rundir.read_json(unfinished / "adapter_config.json")
    if config is not None:
        config["base_model_name_or_path"] = known
        rundir.write_json(unfinished / "adapter_config.json", config)
    card = {
        "made_by": "Whetstone",
        "run": worker.job.get("run"),
        "base": {"source": base["source"], "name": known, "digest": facts["base_digest"]},
        "dataset": worker.job.get("dataset"),
        "settings": worker.job["settings"],
        "facts": facts,
    }
    rundir.write_json(unfinished / rundir.SEAL, card)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)
