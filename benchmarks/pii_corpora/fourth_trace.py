"""How a trace of the fourth corpus is put together: who says what, what tools return, and what is planted."""

import json
import random
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.pii_corpora import fourth_keys as keys
from benchmarks.pii_corpora import fourth_values as values
from benchmarks.pii_corpora.fourth_values import Person
from benchmarks.pii_corpora.public import Planted, PlantedTrace

HOME = ("US", "GB", "DE", "FR", "ES", "IT", "BR", "IN", "AU", "JP")  # whose numbers are met as they are dialled at home


class Trace:
    """A trace that is being written. The methods that make a personal value note it as planted at once."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.messages: list[dict[str, Any]] = []
        self.planted: list[Planted] = []

    def done(self) -> PlantedTrace:
        """The finished trace."""
        return PlantedTrace(self.messages, self.planted)

    # who says what

    def _message(self, role: str, text: str, **more: Any) -> None:
        self.messages.append({"role": role, "parts": [{"type": "text", "text": text}] if text else [], **more})

    def user(self, *texts: str) -> None:
        """One of these, said by a person."""
        self._message("user", self.pick(*texts))

    def says(self, *texts: str) -> None:
        """One of these, as the answer."""
        self._message("assistant", self.pick(*texts))

    def tool(self, name: str, arguments: Any, result: Any, lead: str = "") -> None:
        """A call and what came back; what is not a text is written as JSON, in one of its layouts."""
        call = f"call_{keys.of(self.chance, 20)}"
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        self._message("assistant", lead, tool_calls=[{"id": call, "name": name, "arguments": text}])
        self._message("tool", result if isinstance(result, str) else self.dump(result), tool_call_id=call)

    def dump(self, value: Any) -> str:
        """JSON in one of the layouts that are met."""
        layout = self.chance.choice(
            ({}, {"indent": 2}, {"separators": (",", ":")}, {"indent": 2, "ensure_ascii": False})
        )
        return json.dumps(value, **layout)

    # what is not personal

    def pick(self, *options: str) -> str:
        """One of these."""
        return self.chance.choice(options)

    def often(self, share: float = 0.5) -> bool:
        """True in this share of traces."""
        return self.chance.random() < share

    def named(self, code: str) -> str:
        """The same code with other names in it, as other people would have written it."""
        for name, others in (
            ("token", ("token", "auth_token", "api_token", "bearer", "user_token")),
            ("password", ("password", "passwd", "new_password", "pwd", "passphrase")),
            ("api_key", ("api_key", "key", "service_key", "openai_key")),
            ("API_KEY", ("API_KEY", "SERVICE_KEY", "OPENAI_API_KEY", "MAPS_KEY", "APP_SECRET")),
        ):
            code = re.sub(rf"\b{name}\b", self.pick(*others), code)
        return code

    def num(self, count: int) -> str:
        """So many digits."""
        return values.digits(self.chance, count)

    def hexed(self, count: int) -> str:
        """So many hexadecimal digits."""
        return keys.hexed(self.chance, count)

    def between(self, low: int, high: int) -> int:
        """A whole number."""
        return self.chance.randrange(low, high)

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(bytes=self.chance.randbytes(16), version=4))

    def price(self, high: float = 900.0) -> str:
        """An amount with two decimals."""
        return f"{self.chance.uniform(4, high):.2f}"

    def when(self, layout: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
        """A moment, written so."""
        start = datetime(2023, 3, 1, tzinfo=UTC)
        return (start + timedelta(seconds=self.chance.randrange(80_000_000))).strftime(layout)

    def who(self, country: str = "") -> Person:
        """Somebody (a name alone is not among what is looked for)."""
        return values.person(self.chance, country)

    def host(self) -> str:
        """A private address."""
        return self.pick(
            f"10.{self.between(0, 255)}.{self.between(0, 255)}.{self.between(1, 255)}",
            f"192.168.{self.between(0, 255)}.{self.between(1, 255)}",
            f"172.{self.between(16, 32)}.{self.between(0, 255)}.{self.between(1, 255)}",
        )

    def site(self) -> str:
        """A made-up domain."""
        return values.domain(self.chance)

    # what is planted

    def _plant(self, kind: str, made: tuple[str, str]) -> str:
        self.planted.append(Planted(kind, *made))
        return made[1]

    def email(self, who: Person | None = None, form: str = "") -> str:
        """An address of somebody."""
        return self._plant("email", values.email(self.chance, who or self.who(), form))

    def card(self, style: str = "") -> str:
        """The number of a card."""
        return self._plant("card", values.card(self.chance, style))

    def iban(self, country: str = "", style: str = "") -> str:
        """The number of an account."""
        return self._plant("iban", values.iban(self.chance, country, style))

    def ip(self, version: int = 0) -> str:
        """A public address of a host."""
        return self._plant("ip", values.ip(self.chance, version))

    def phone(self, country: str = "", style: str = "") -> str:
        """A number: international in most places; national ones stand beside a word or a field's name."""
        country = country or self.who().country
        if not style:
            style = "national" if country in HOME and self.often(0.35) else "international"
        return self._plant("phone", values.phone(self.chance, country, style))

    def key(self, provider: str = "") -> str:
        """A key of this provider, or of one with a prefix of its own."""
        provider = provider or self.pick(*keys.KNOWN)
        return self._plant("key", (provider, keys.PROVIDERS[provider][0](self.chance)))

    def variable(self, provider: str = "") -> tuple[str, str]:
        """The name of the variable that holds a key of a provider, and the key."""
        provider = provider or self.pick(*keys.PROVIDERS)
        return keys.PROVIDERS[provider][1], self.key(provider)

    def password(self, style: str = "") -> str:
        """A password."""
        return self._plant("key", keys.password(self.chance, style))

    def secret(self, form: str, value: str) -> str:
        """Another secret, made by the scene itself."""
        return self._plant("key", (form, value))

    def jwt(self) -> str:
        """A signed token."""
        return self._plant("key", ("JWT", keys.jwt(self.chance)))

    def pem(self, escaped: int = 0) -> str:
        """A private key as a block; it is noted as it stands after being written into JSON so many times."""
        form, block = keys.pem(self.chance)
        seen = block
        for _ in range(escaped):
            seen = json.dumps(seen)[1:-1]
        self._plant("key", (form + (" in JSON" if escaped else ""), seen))
        return block
