"""A sheet on which a scene of the fifth corpus is written: messages, calls, results, and what was planted in them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from benchmarks.pii_corpora import fifth_keys as keys
from benchmarks.pii_corpora import fifth_values as values
from benchmarks.pii_corpora.public import Planted, PlantedTrace, texts

SYSTEM = (
    "You work for {c}. Use the tools you are given, read before you write, and ask before anything that can not be "
    "undone. Answer in the language of the person who writes.",
    "You are an assistant on the operations team of {c}. Today is {d}. Commands run in a sandbox; long output is cut. "
    "Keep answers short and name the file or the record you mean.",
    "Customer service of {c}. Policy: look up the record first; repeat a change back before saving it; refunds above "
    "200 need a second person; never promise a date the system does not show.",
    "You are a coding agent in the repository of {c}. Make the smallest change that works, run the tests, and report "
    "what you did not check.",
    "# Role\nBack-office helper at {c}\n# Tools\nsearch, read, update, notify\n# Rules\n- one change at a time\n"
    "- write times in UTC\n- today: {d}",
)


class Sheet:
    def __init__(self, rng: random.Random) -> None:
        self.r = rng
        self.messages: list[dict[str, Any]] = []
        self.planted: list[Planted] = []
        self.calls = 0
        self.company, self.domain = values.company(rng)
        self.here = values.person(rng)

    # Turns

    def _add(self, role: str, text: str, **more: Any) -> None:
        self.messages.append({"role": role, "parts": [{"type": "text", "text": text}], **more})

    def system(self) -> None:
        self._add("system", self.pick(*SYSTEM).format(c=self.company, d=self.day()))

    def user(self, text: str) -> None:
        self._add("user", text)

    def say(self, text: str) -> None:
        self._add("assistant", text)

    def tool(self, name: str, arguments: Any, result: Any, before: str = "") -> None:
        """A call and its result; what is not text yet is written as JSON."""
        self.calls += 1
        number = f"call_{values.chars(self.r, values.B62, 12)}"
        call = {"id": number, "name": name, "arguments": self.json(arguments, indent=None)}
        self._add("assistant", before, tool_calls=[call])
        self._add("tool", result if isinstance(result, str) else self.json(result), tool_call_id=number)

    def shell(self, command: str, output: str, before: str = "") -> None:
        self.tool(self.pick("bash", "shell", "run_command"), {"command": command}, output, before)

    def read(self, path: str, content: str, before: str = "") -> None:
        self.tool(self.pick("read_file", "open_file", "view"), {"path": path}, content, before)

    def json(self, value: Any, indent: Any = "any") -> str:
        if isinstance(value, str):
            return value
        return json.dumps(
            value, indent=self.pick(None, 2, 2) if indent == "any" else indent, ensure_ascii=self.r.random() < 0.4
        )

    # Chance

    def pick(self, *choices: Any) -> Any:
        return self.r.choice(choices)

    def num(self, low: int, high: int) -> int:
        return self.r.randint(low, high)

    def hex(self, length: int) -> str:
        return values.chars(self.r, "0123456789abcdef", length)

    def digits(self, length: int) -> str:
        return str(self.num(1, 9)) + values.chars(self.r, "0123456789", length - 1)

    def uuid(self) -> str:
        h = self.hex(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{self.pick(*'89ab')}{h[17:20]}-{h[20:]}"

    def day(self) -> str:
        return f"202{self.num(5, 6)}-{self.num(1, 12):02d}-{self.num(1, 28):02d}"

    def clock(self) -> str:
        return f"{self.num(0, 23):02d}:{self.num(0, 59):02d}:{self.num(0, 59):02d}"

    def stamp(self) -> str:
        return f"{self.day()}T{self.clock()}Z"

    def price(self) -> str:
        return f"{self.num(3, 900)}.{self.num(0, 99):02d}"

    def private(self) -> str:
        return self.pick(
            f"10.{self.num(0, 255)}.{self.num(0, 255)}.{self.num(2, 254)}",
            f"192.168.{self.num(0, 9)}.{self.num(2, 254)}",
            f"172.{self.num(16, 31)}.{self.num(0, 9)}.{self.num(2, 254)}",
        )

    def person(self, locale: str | None = None) -> values.Person:
        return values.person(self.r, locale)

    # Planting: each returns the text to write down

    def put(self, kind: str, form: str, value: str) -> str:
        self.planted.append(Planted(kind, form, value))
        return value

    def email(self, form: str, who: values.Person | None = None, write: Callable[[str], str] = str) -> str:
        return self.put("email", form, write(values.email(self.r, who or self.person())))

    def phone(self, form: str, country: str | None = None, write: Callable[[str], str] = str) -> str:
        return self.put("phone", form, write(values.phone(self.r, country)))

    def e164(self, form: str, country: str | None = None, plus: bool = True) -> str:
        return self.put("phone", form, values.e164(self.r, country)[0 if plus else 1 :])

    def card(self, form: str, writing: str = "any") -> str:
        return self.put("card", form, values.card(self.r, writing))

    def iban(self, form: str, country: str | None = None, writing: str = "any") -> str:
        return self.put("iban", form, values.iban(self.r, country, writing))

    def ip(self, form: str) -> str:
        return self.put("ip", form, values.ip4(self.r))

    def ip6(self, form: str) -> str:
        return self.put("ip", form, values.ip6(self.r))

    def key(self, form: str, value: str) -> str:
        return self.put("key", form, value)

    def password(self, form: str, url: bool = False) -> str:
        return self.put("key", form, keys.url_password(self.r) if url else keys.password(self.r))

    # The end

    def finish(self) -> PlantedTrace:
        """The trace, with each value as it came to stand in it (JSON in JSON is escaped once more)."""
        found = [Planted(one.kind, one.form, self._standing(one)) for one in self.planted]
        return PlantedTrace(self.messages, found)

    def _standing(self, one: Planted) -> str:
        for value in forms(one.value):
            if sum(text.count(value) for text in texts(self.messages)) == 1:
                return value
        raise ValueError(f"not once in the trace: {one}")


def forms(value: str) -> list[str]:
    found = [value]
    for ascii_only in (False, True):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        found += [once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]]
        found.append(json.dumps(once, ensure_ascii=not ascii_only)[1:-1])
    return found
