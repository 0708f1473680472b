"""docs/graders.md names every type with its keys, its examples can be run, and its variables are those of templates."""

import json
import re
from pathlib import Path
from typing import Any

from curation.scoring import graders
from curation.scoring.graders import definitions, fields, sandbox, templates
from curation.scoring.graders.sandbox import holds

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "graders.md").read_text()


def examples() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def test_every_example_is_a_definition_that_can_be_run() -> None:
    for example in examples():
        if graders.runs_code(example) and sandbox.refusal("python"):
            continue
        graders.check(example)
    assert {example["type"] for example in examples()} == set(definitions.ENGINES)


def test_every_type_has_its_keys() -> None:
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE))
    assert set(sections) == set(definitions.ENGINES) == set(fields.TYPES)
    for kind, (required, optional) in fields.TYPES.items():
        for key in required:
            assert re.search(rf"(?<!\*)`{key}`", sections[kind]), f"{kind}: {key}"
        for key in optional:
            assert f"*`{key}`*" in sections[kind], f"{kind}: {key}"


def test_the_variables_are_those_of_templates() -> None:
    assert re.findall(r"^\| `((?:item|sample)\.\w+)` \| (.*) \|$", TEXT, re.MULTILINE) == list(templates.VARIABLES)


def test_the_limits_are_those_of_the_sandbox() -> None:
    limits = sandbox.Limits()
    for said in (
        f"| memory | {limits.memory_bytes // 1024**2} MB |",
        f"| computing | {limits.cpu_s} s |",
        f"| time | {limits.wall_s:g} s |",
        f"| input | {limits.input_bytes // 1024**2} MB of",
        f"and {len(holds.PROBES)} attempts",
    ):
        assert said in TEXT
    assert f"less than {fields.MOST_SOURCE:,} bytes" in TEXT
