"""A fourth corpus for the detector of personal data: traces as agents see them day by day.

    python -m benchmarks.pii_corpora.fourth        makes both halves and checks what is planted

It was written by an author who had read neither the detector, nor its tests, nor what the other corpora hold (only the
shape of a planted trace), and who never ran the detector: it shows how text fares that nobody tuned for. The forms are
weighted as they occur rather than all alike: most e-mail addresses are plain, cards are Visa, Mastercard and Amex in groups
or together beside a word for them, accounts belong to a dozen European countries, phones are international for the most
part and national ones stand beside a word or the name of a field, addresses of hosts are mostly public IPv4 in logs and
tickets, secrets are those of the common providers, and passwords, signed tokens and private keys where files, commands and
code hold them. People, companies and domains are made up; every value comes from a seeded generator.

A planted value is the text as it stands in the trace, once: of a key the secret itself, of the URL of a database its
password, of the address of a webhook its last part, of a private key the whole block. It counts as found where one finding
of its kind covers it. In front of a part of the traces stands a step of the clean half.

Clean is what the same tools return when nothing personal is there: numbers of orders, parcels, goods and tickets (also
such as have the shape of a phone number beside their own word), ids, hashes, times, versions, private, loopback and
documentation addresses, placeholders, masked values, references to secrets kept elsewhere, code about passwords, public
keys, sums and pictures. No e-mail address, no globally routable address (but for versions of four parts beside the word
for them or in the name of a browser), no phone number and no secret is in it: everything found there is wrong.
"""

import ipaddress
import random
from collections import Counter
from collections.abc import Iterator

from benchmarks.pii_corpora.fourth_clean_code import CODE_CLEAN
from benchmarks.pii_corpora.fourth_clean_office import OFFICE
from benchmarks.pii_corpora.fourth_clean_ops import OPS_CLEAN
from benchmarks.pii_corpora.fourth_clean_setup import SETUP
from benchmarks.pii_corpora.fourth_clean_shop import SHOP
from benchmarks.pii_corpora.fourth_code import CODE
from benchmarks.pii_corpora.fourth_contacts import CONTACTS
from benchmarks.pii_corpora.fourth_money import MONEY
from benchmarks.pii_corpora.fourth_ops import OPS
from benchmarks.pii_corpora.fourth_people import PEOPLE
from benchmarks.pii_corpora.fourth_secrets import SECRETS
from benchmarks.pii_corpora.fourth_trace import Trace
from benchmarks.pii_corpora.fourth_values import luhn, mod97
from benchmarks.pii_corpora.public import PlantedTrace, texts

CLEAN = SHOP + OFFICE + OPS_CLEAN + SETUP + CODE_CLEAN
PLANTED = PEOPLE + CONTACTS + MONEY + OPS + SECRETS + CODE


def clean(count: int) -> Iterator[PlantedTrace]:
    """So many traces with nothing personal in them, each of one scene or two."""
    for index in range(count):
        trace = Trace(random.Random(f"fourth clean {index}"))
        CLEAN[index % len(CLEAN)](trace)
        if trace.often(0.25):
            trace.chance.choice(CLEAN)(trace)
        yield trace.done()


def planted(count: int) -> Iterator[PlantedTrace]:
    """So many traces with something personal in each, some after a step without."""
    for index in range(count):
        trace = Trace(random.Random(f"fourth planted {index}"))
        if trace.often(0.25):
            trace.chance.choice(CLEAN)(trace)
        PLANTED[index % len(PLANTED)](trace)
        yield trace.done()


def wrong(trace: PlantedTrace) -> list[str]:
    """What is wrong about the values of a trace: each has to stand in it once, and to be what its kind says."""
    found = []
    for one in trace.planted:
        if (times := sum(text.count(one.value) for text in texts(trace.messages))) != 1:
            found.append(f"{one.form} stands {times} times: {one.value}")
        bare = one.value.replace(" ", "").replace("-", "")
        if (one.kind == "card" and luhn(bare)) or (one.kind == "iban" and mod97(bare) != 1):
            found.append(f"{one.form} does not check: {one.value}")
        if one.kind == "ip" and not ipaddress.ip_address(one.value).is_global:
            found.append(f"not global: {one.value}")
    return found


def main() -> None:
    """Make both halves, check them, say what is there."""
    kinds: Counter[str] = Counter()
    for trace in planted(3_000):
        assert trace.planted and not wrong(trace), wrong(trace)
        kinds.update(one.kind for one in trace.planted)
    assert not any(trace.planted for trace in clean(3_000))
    print(f"{len(CLEAN)} clean scenes, {len(PLANTED)} planted ones; planted in 3,000 traces: {dict(kinds)}")


if __name__ == "__main__":
    main()
