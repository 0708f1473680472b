"""Personal data and secrets in traces of agents, a fifth time: written by one further author.

The author had read neither the detector, nor its tests, nor the measurements, nor the other corpora of this folder (of
public.py the two data classes and the function `texts`, with a page of templates that stands beside them, of which nothing
was taken over), and wrote all scenes before any of them was measured. The forms are weighted by the author's judgement of
what tools print and people write: clouds and their commands, registers of customers, payment, telephony, mail, logs,
repositories, configuration, chats, calls. Names, companies, domains, numbers and secrets are made up; cards pass Luhn with
a network's prefix and length, accounts pass mod 97 with their country's length, addresses of machines are global.

    python -m benchmarks.pii_corpora.fifth

makes 3,000 traces of each half, checks them against these rules, and prints the counts.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import unquote

from benchmarks.pii_corpora import (
    fifth_clean_code,
    fifth_clean_more,
    fifth_clean_office,
    fifth_machines,
    fifth_money,
    fifth_passwords,
    fifth_people,
    fifth_people_more,
    fifth_tokens,
    fifth_values,
)
from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.public import Planted, PlantedTrace, texts

Scene = Callable[[Sheet], None]
PLANTED: tuple[tuple[Scene, int], ...] = (
    *fifth_people.SCENES,
    *fifth_people_more.SCENES,
    *fifth_money.SCENES,
    *fifth_machines.SCENES,
    *fifth_tokens.SCENES,
    *fifth_passwords.SCENES,
)
CLEAN: tuple[Scene, ...] = (*fifth_clean_code.SCENES, *fifth_clean_office.SCENES, *fifth_clean_more.SCENES)
SHORT, LONG = 1000, 2200


def _length(sheet: Sheet) -> int:
    return sum(len(text) for text in texts(sheet.messages))


def _fill(sheet: Sheet) -> None:
    """Further turns in which nothing is planted, until the trace is as long as traces are."""
    enough = sheet.num(SHORT, LONG)
    for scene in sheet.r.sample(CLEAN, len(CLEAN)):
        if _length(sheet) >= enough:
            return
        scene(sheet)


def clean(count: int) -> Iterator[PlantedTrace]:
    """Traces in which nothing is to be found."""
    for number in range(count):
        sheet = Sheet(random.Random(f"fifth clean {number}"))
        sheet.system()
        CLEAN[number % len(CLEAN)](sheet)
        _fill(sheet)
        yield sheet.finish()


def planted(count: int) -> Iterator[PlantedTrace]:
    """Traces in which values were planted; every scene is met, the frequent ones more often."""
    scenes = [scene for scene, _ in PLANTED]
    weights = [weight for _, weight in PLANTED]
    for number in range(count):
        sheet = Sheet(random.Random(f"fifth planted {number}"))
        sheet.system()
        if sheet.r.random() < 0.3:
            sheet.r.choice(CLEAN)(sheet)
        scene = scenes[number] if number < len(scenes) else sheet.r.choices(scenes, weights)[0]
        scene(sheet)
        _fill(sheet)
        yield sheet.finish()


# The check

EMAIL = re.compile(r"[A-Za-z0-9.+_'’-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
ALLOWED = re.compile(r"git@github\.com|@\dx\.\w+|user@1000\.service|getty@tty1\.service|@v?\d[\d.]*$")
NUMBER = re.compile(r"(?<![\w.])\+\d{1,3}[ .(-]?\(?\d[\d ().-]{6,}")
SIX = re.compile(r"(?<![\w:])[0-9a-fA-F:]*::?[0-9a-fA-F:]+(?![\w:])")


def _bare(value: str) -> str:
    value = unquote(unescape(value.replace("\\\\u", "\\u").replace("\\u0040", "@").replace("\\u00a0", " ")))
    return value.replace("\u00a0", " ")


def _wrong_value(one: Planted) -> str:
    value = _bare(one.value)
    if one.kind == "email":
        return "" if EMAIL.fullmatch(value) else "not an address"
    if one.kind == "card":
        number = re.sub(r"\D", "", value)
        known = any(len(number) == size and number.startswith(start) for _, start, size, _, _ in fifth_values.CARDS)
        return "" if known and fifth_values.luhn(number) else "not a card"
    if one.kind == "iban":
        number = re.sub(r"\s", "", value).upper()
        good = len(number) == fifth_values.LENGTHS[number[:2].lower()] and fifth_values.mod97(number) == 1
        return "" if good else "not an account"
    if one.kind == "ip":
        return "" if ipaddress.ip_address(value).is_global else "not global"
    if one.kind == "phone":
        return "" if 7 <= len(re.sub(r"\D", "", value)) <= 15 else "not a number"
    return "" if len(value) >= 7 else "short for a secret"


def _global(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def wrong(trace: PlantedTrace) -> list[str]:
    """What breaks the rules of this corpus; of a clean trace also what looks like something to be found."""
    found = []
    written = list(texts(trace.messages))
    for one in trace.planted:
        times = sum(text.count(one.value) for text in written)
        if times != 1:
            found.append(f"{times} times: {one}")
        if why := _wrong_value(one):
            found.append(f"{why}: {one}")
    if not trace.planted:
        whole = "\n".join(written)
        found += [f"address: {hit}" for hit in EMAIL.findall(whole) if not ALLOWED.search(hit)]
        found += [f"number: {hit}" for hit in NUMBER.findall(whole)]
        found += [f"global: {hit}" for hit in SIX.findall(whole) if hit.count(":") > 1 and _global(hit)]
    return found


def main() -> None:
    kinds: Counter[str] = Counter()
    sizes: list[int] = []
    found: list[str] = []
    forms = set()
    for half, traces in (("clean", clean(3000)), ("planted", planted(3000))):
        for trace in traces:
            found += wrong(trace)
            if (half == "clean") != (not trace.planted):
                found.append(f"{half} with {len(trace.planted)} values")
            sizes.append(sum(len(text) for text in texts(trace.messages)))
            kinds.update(one.kind for one in trace.planted)
            forms |= {(one.kind, one.form) for one in trace.planted}
    for kind, count in sorted(kinds.items()):
        print(f"{kind:6} {count:5}")
    print(f"{sum(kinds.values())} values in {len(forms)} forms, {len(PLANTED)} planted and {len(CLEAN)} clean scenes")
    middle = sorted(sizes)
    print(f"characters: {middle[0]} to {middle[-1]}, median {middle[len(middle) // 2]}")
    for line in found[:40]:
        print(line)
    if found:
        raise SystemExit(f"{len(found)} wrong")


if __name__ == "__main__":
    main()
