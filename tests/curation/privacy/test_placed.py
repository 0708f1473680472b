"""Numbers by where they stand: statements, forms, statements of accounts, beside an address, in a chat."""

import pytest

from curation.privacy.patterns import find

CARD, AMEX, ELO = "4539578763621486", "371449635398431", "5066991111111118"


def said(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


def test_cards_in_every_row_of_a_statement() -> None:
    text = (
        "INSERT INTO payers (id, who, card_number, until) VALUES\n"
        f" (10771, 'Aster', '{CARD}', '2031-02'),\n (10772, 'Birnbaum', '{AMEX}', '2030-11');"
    )
    assert said(text) == [("card", CARD), ("card", AMEX)]


def test_numbers_in_other_rows_of_a_statement_are_left_alone() -> None:
    text = f"INSERT INTO events (id, who, seen) VALUES\n (1, 'Aster', '{CARD}'),\n (2, 'Birnbaum', '{CARD}');"
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("card[number]=4539+5787+6362+1486&card[cvc]=123", "4539+5787+6362+1486"),
        ("card[number]=3714+496353+98431&card[exp]=12", "3714+496353+98431"),
        ("my card 621234 4567890123456 ok", "621234 4567890123456"),
        (f"| who | Card # |\n|:--|:--|\n| Aster | {CARD} |\n", CARD),
    ],
)
def test_cards_in_more_forms(text: str, card: str) -> None:
    assert said(text) == [("card", card)]


def test_sums_are_no_cards() -> None:
    assert said("total = 4539+5787+6362+1486") == []


def test_an_account_behind_the_code_of_a_field_of_a_bank_statement() -> None:
    assert said(":86:177?00TRANSFER?30BANKDEFFXXX?31DE89370400440532013000?32ASTER") == [
        ("iban", "DE89370400440532013000")
    ]


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("PETER ASTER\nBern\n031 555 21 47\n", None),
        ("PETER ASTER\n031 555 21 47\npeter.aster@rennweg.io\n", "031 555 21 47"),
        ("peter.aster@rennweg.io · 0664 / 5551234", "0664 / 5551234"),
        ("p@rennweg.io\n679 55 97 99\nMadrid", "679 55 97 99"),
        ("aster,peter.aster@rennweg.io,0161 555 8821\nbo", "0161 555 8821"),
        ("visits: 06.30.55.71.02 - write to p@rennweg.io", "06.30.55.71.02"),
        ("Peter Aster\nT 031 555 21 47\nwww.rennweg.io", "031 555 21 47"),
        ("☎ 031 555 21 47", "031 555 21 47"),
        ("guest reachable at 602 270 859", "602 270 859"),
        ("휴대폰: 02-555-1693", "02-555-1693"),
        ("טלפון: 054-555-8213", "054-555-8213"),
        ("Τηλ. 694 955 3683", "694 955 3683"),
        ("Natel 044 555 24 65", "044 555 24 65"),
        ('"celular": "11 4269-4417"', "11 4269-4417"),
        ('"phone": "(11) 3363-1016"', "(11) 3363-1016"),
        ('"whatsapp": "5511983165006"', "5511983165006"),
        ('"phone": "491733847506"', "491733847506"),
        ('"country_code": 1, "address": "2127343139"', "2127343139"),
        ("[3.02.26, 18:35:10] 010-2655-9080: Your parcel", "010-2655-9080"),
        ('"to": "+1\u00a0(305)\u00a0988-3913"', "+1\u00a0(305)\u00a0988-3913"),
        ("Fax 0033&nbsp;6&nbsp;52&nbsp;04&nbsp;29&nbsp;91", "0033&nbsp;6&nbsp;52&nbsp;04&nbsp;29&nbsp;91"),
        (
            'calldate,src,dst,disposition\n"2026-01-02","31646138034","428","ANSWERED"\n',
            "31646138034",
        ),
    ],
)
def test_telephones(text: str, phone: str | None) -> None:
    assert [one for one in said(text) if one[0] == "phone"] == ([("phone", phone)] if phone else [])


@pytest.mark.parametrize(
    "text",
    [
        "12.05.2026 p@rennweg.io",
        "order 0123456789, p@rennweg.io",
        "p@rennweg.io, 1 234 567 890 bytes",
        "p@rennweg.io 2026-02-14",
        "p@rennweg.io | 93029 | 12 345 678",
        "Peter Aster <p@rennweg.io> (2011-2014)",
        "p@rennweg.io 1.12 08/14/96",
        "customer 4711-12345 p@rennweg.io",
        '"country_code": 1, "amount": "2127343139"',
        "src,dst,bytes\n31646138034,428,17\n",
        "T 0123456789\n",
    ],
)
def test_numbers_that_are_no_telephones(text: str) -> None:
    assert [one for one in said(text) if one[0] == "phone"] == []
