"""Which chat templates there are to choose from: our own ChatML, and those of local folders.

Folders stand in the settings TOKENIZER_FOLDERS and MODEL_FOLDERS (each folder in them with a template is one), and those
that other floors know come from the functions that the setting TOKENIZER_SOURCES names ("module.function", called with a
project, returning (name, path) pairs). A reader chooses by key among what is listed; no path comes from a request.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings

from workspace.models import Project

OURS = "chatml"
MOST = 200  # folders that are listed
_TEMPLATE_BYTES, _CONFIG_BYTES, _TOKENIZER_BYTES = 1 << 20, 8 << 20, 128 << 20
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class UnusableBase(ValueError):
    """A folder whose template or tokenizer cannot be read; the text says which file and why."""


class UnknownBase(ValueError):
    """A key that is not listed."""


@dataclass(frozen=True)
class Base:
    """One template to choose. `folder` None: our own ChatML, whose tokens are estimated."""

    key: str
    label: str
    folder: Path | None = None

    @cached_property
    def tokenizer(self) -> Path | None:
        """tokenizer.json, where there is one."""
        path = self.folder / "tokenizer.json" if self.folder else None
        if path is None or not path.is_file():
            return None
        if path.stat().st_size > _TOKENIZER_BYTES:
            raise UnusableBase(f"{path.name} of {self.label} is larger than {_TOKENIZER_BYTES >> 20} MB")
        return path

    def template(self, *, tools: bool) -> str:
        """The chat template, the one for tools where the folder has two and `tools` are there. Raises UnusableBase."""
        if self.folder is None:
            return (Path(__file__).parent / "chatml.jinja").read_text(encoding="utf-8")
        found = _templates(self.folder, self._config)
        if not found:
            raise UnusableBase(
                f"{self.label} has no chat template: neither chat_template.jinja nor one in tokenizer_config.json"
            )
        chosen = found.get("tool_use") if tools else None
        template = chosen or found.get("default")
        if template is None:
            raise UnusableBase(f"{self.label} has templates named {', '.join(sorted(found))}, and none named default")
        return template

    @property
    def special(self) -> dict[str, Any]:
        """The special tokens that a template may print: bos_token, eos_token and so on."""
        if self.folder is None:
            return {"eos_token": "<|im_end|>"}
        config = self._config
        said: dict[str, Any] = {}
        for name in _SPECIAL:
            value = config.get(name)
            if isinstance(value, dict):
                value = value.get("content")
            if isinstance(value, str):
                said[name] = value
        return said

    @cached_property
    def _config(self) -> dict[str, Any]:
        assert self.folder is not None
        text = _read(self.folder / "tokenizer_config.json", _CONFIG_BYTES)
        try:
            config = json.loads(text) if text is not None else {}
        except ValueError as error:
            raise UnusableBase(f"tokenizer_config.json of {self.label} is not JSON: {error}") from None
        return config if isinstance(config, dict) else {}


@dataclass
class Listed:
    """What there is to choose from; `more` folders are not listed."""

    bases: list[Base] = field(default_factory=list)
    more: int = 0

    def find(self, key: str) -> Base:
        """The base with this key, our ChatML for "". Raises UnknownBase."""
        for base in self.bases:
            if base.key == (key or OURS):
                return base
        raise UnknownBase(f"There is no chat template {key[:80]!r} here.")


def listed(project: Project) -> Listed:
    """All templates that can be chosen in a project, ours first."""
    found = Listed([Base(OURS, "ChatML (ours)")])
    seen: set[Path] = set()
    keys = {OURS}
    for label, folder in (*_from_folders(), *_from_sources(project)):
        whole = folder.resolve()
        if whole in seen or not _is_one(folder):
            continue
        seen.add(whole)
        if len(found.bases) > MOST:
            found.more += 1
            continue
        key, number = label, 1
        while key in keys:
            number += 1
            key = f"{label} ({number})"
        keys.add(key)
        found.bases.append(Base(key, key, folder))
    return found


def _from_folders() -> Iterable[tuple[str, Path]]:
    for root in (*settings.TOKENIZER_FOLDERS, *settings.MODEL_FOLDERS):
        try:
            inside = sorted(one for one in Path(root).iterdir() if one.is_dir() and not one.name.startswith("."))
        except OSError:
            continue  # none of the folders need exist
        yield from ((one.name, one) for one in inside)


def _from_sources(project: Project) -> Iterable[tuple[str, Path]]:
    for said in settings.TOKENIZER_SOURCES:
        module, _, function = said.rpartition(".")
        yield from getattr(import_module(module), function)(project)


def _is_one(folder: Path) -> bool:
    try:
        return any((folder / name).is_file() for name in ("chat_template.jinja", "tokenizer_config.json"))
    except OSError:
        return False


def _templates(folder: Path, config: dict[str, Any]) -> dict[str, str]:
    """By name, in the order in which transformers looks: files before what the config says."""
    found: dict[str, str] = {}
    said = config.get("chat_template")
    if isinstance(said, str):
        found["default"] = said
    elif isinstance(said, list):
        found |= {
            str(one.get("name")): one["template"]
            for one in said
            if isinstance(one, dict) and isinstance(one.get("template"), str)
        }
    if (text := _read(folder / "chat_template.jinja", _TEMPLATE_BYTES)) is not None:
        found["default"] = text
    if (text := _read(folder / "additional_chat_templates" / "tool_use.jinja", _TEMPLATE_BYTES)) is not None:
        found["tool_use"] = text
    return found


def _read(path: Path, most: int) -> str | None:
    try:
        if path.stat().st_size > most:
            raise UnusableBase(f"{path.name} is larger than {most >> 20} MB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableBase(f"{path.name} cannot be read: {error}") from None
