"""What stands beside a number decides what it is: words before and after it, the field, the column."""

import json

import pytest

from curation.privacy.patterns import find, find_value

CARD, OLD = "4539578763621486", "4222222222222"


def said(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "We moved the plugin from 2.4.1.6 to 2.4.2.0 yesterday",
        "upgraded the agent to 11.2.0.45",
        "Please roll the package forward: bumped to 3.1.0.9",
        "Assembly version 5.0.0.0, 6.1.2.0 and 7.3.4.5 clash",
        "The assembly wants 6.0.1.3 but the web.config says 6.0.0.2",
        "release 1.9.4.2 -> 1.9.5.1",
        "The installer says 25.13.141.35 and the driver 13.8.241.47",
        "IMEI TAC 35280052; fw 25.13.141.35",
    ],
)
def test_versions_of_four_parts_are_no_addresses(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("after the update, logins came from 81.2.69.142", "81.2.69.142"),
        ("nginx version 1.25.3, 81.2.69.142 connected", "81.2.69.142"),
        ("update the DNS record to 8.8.4.4", "8.8.4.4"),
        ("the new release cannot ping 9.9.9.9", "9.9.9.9"),
        ("blocked 5.9.20.11", "5.9.20.11"),
    ],
)
def test_addresses_near_words_of_versions_are_still_found(text: str, address: str) -> None:
    assert said(text) == [("ip", address)]


@pytest.mark.parametrize(
    "value",
    [
        "sk-...",
        "sk-ant-…",
        "ghp_" + "x" * 36,
        "sk_live_****9f3c",
        "<token>",
        "sk-<your key>",
        "xxx-xxx",
        "[hidden]",
        "•••••••",
    ],
)
def test_placeholders_are_no_keys(value: str) -> None:
    assert said(f"ANTHROPIC_API_KEY={value}\nDEBUG=1") == []
    assert find_value("api_key", value) == []


@pytest.mark.parametrize("value", ["a.b.c9!", "xX7q*w1.r", "Fox..trot7", "p<q>R8-z"])
def test_passwords_with_such_signs_are_still_found(value: str) -> None:
    assert said(f'password: "{value}"') == [("secret", value)]


@pytest.mark.parametrize(
    "text",
    [
        f"basket 12, {CARD}, 3 units",
        f"row 17 holds {CARD} twice",
        "shelf codes: 4539 5787 6362 1486",
        "your reference is 4539-5787-6362-1486",
        f"payment_id={CARD}",
        f"please send me order {CARD}",
        f"the card arrived; tracking number {CARD}",
        f"the till paid out {OLD[:-1]}3",  # a wrong check digit
        f"article {OLD}",
        f"the old one was {CARD}",  # one what?
        f'{{"customer": "c_81", "new": "{CARD}"}}',
    ],
)
def test_numbers_with_a_right_check_digit_are_no_cards_by_that_alone(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"they took 20 EUR from my debit card: {CARD}", CARD),
        (f"{CARD}, exp 04/29", CARD),
        (f"{CARD} (Visa)", CARD),
        (f"here is mine: {CARD}", CARD),
        (f'{{"number": "{CARD}"}}', CARD),
        (f"{CARD}", CARD),
        ("It is 4539 5787 6362 1486.", "4539 5787 6362 1486"),
        (f"the refund was sent to {OLD}", OLD),
        (f"day;pan;sum\n1;{CARD};9\n", CARD),
        ("Kart numaram 5085 4120 3713 3190", "5085 4120 3713 3190"),  # RuPay
        ("numer mojej karty to 6363683977713552", "6363683977713552"),  # Elo
        (f"カード番号は「{CARD}」です", CARD),
        (f"Prosím o platbu kartou {CARD}, platnost 12/28", CARD),
        (f"| day | card number | sum |\n|---|---|---|\n| 1 | {CARD} | 9 |\n", CARD),
    ],
)
def test_cards_are_found_where_something_speaks_of_them(text: str, number: str) -> None:
    assert said(text) == [("card", number)]


def test_the_name_of_a_field_speaks_for_its_text() -> None:
    def kinds(key: str, text: str) -> list[tuple[int, int, str]]:
        return [tuple(one) for one in find_value(key, text)]

    assert kinds("card", CARD) == [(0, 16, "card")]
    assert kinds("content", CARD) == [(0, 16, "card")], "an answer that is nothing else"
    assert kinds("terminal", CARD) == []
    assert kinds("mobile", "0171 5550123") == [(0, 12, "phone")]
    assert kinds("sku", "415-555-0132") == []
    assert kinds("version", "8.1.4.7") == []


@pytest.mark.parametrize(
    "text",
    [
        "supplier ref 415 555 0132",
        "invoice 415-555-0132 is open",
        "Case: 415.555.0132",
        '{"sku": "415-555-0132"}',
        "orderRef=415-555-0132",
        "call me on 2026-04-17",
        "the hotel has 612345678 reviews",
        "string of 0123 456789",
        "text will be 'RE 4153 222119'",
        "she called at 1738540800",
        "phone order number 55512345",
        "cancelled 501 234 567",
        "barcode 252 914 883 5430",
        "until 14:34:00 252 914 883 5430",
    ],
)
def test_groups_of_digits_that_are_no_telephone(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('<a href="tel:+4930901820">', "+4930901820"),
        ("https://wa.me/34612345678?text=hi", "34612345678"),
        ("https://wa.me/4917600000005", "4917600000005"),  # passes the check sum of an old card
        ("mobile 612 34 56 78", "612 34 56 78"),
        ("telefon: 601 234 567", "601 234 567"),
        ("WhatsApp (21) 98765-4321", "(21) 98765-4321"),
        ('{"phone": "4155550132"}', "4155550132"),
        ("my number is 06.98.76.54.32", "06.98.76.54.32"),
        ("0043 664 1234567 in Vienna", "0043 664 1234567"),
        ("+1 415-555-0132 ext. 77", "+1 415-555-0132 ext. 77"),
        ("call 415-555-0132 x12", "415-555-0132 x12"),
        ("0171/5550123 is my mobile", "0171/5550123"),
        ('"telefon": "030 / 61329598"', "030 / 61329598"),
        ("Rückfragen bitte unter 0650 8797853 oder per Mail", "0650 8797853"),
        ("Joignable au 01.42.87.00.77.", "01.42.87.00.77"),
        ("Bel me op 06-51513917", "06-51513917"),
        ("手机号：13683888397，邮箱", "13683888397"),
        ("電話番号は03-6855-1395、メールは", "03-6855-1395"),
        ("请留意+86 138 2635 7369的短信", "+86 138 2635 7369"),
        ("Bana 0542 627 95 25 numarasından ulaşabilirsiniz", "0542 627 95 25"),
        ("Tel. (12) 937 03 69", "(12) 937 03 69"),
        ("id;telefone;cidade\n1;(21) 96718-0411;Rio\n", "(21) 96718-0411"),
        ('{"to": "+447700439238", "text": "Hi"}', "+447700439238"),
        ('{"to": "3129228839", "body": "Code 439021"}', "3129228839"),
        ('{"to": "090-1234-5678", "body": "Hi"}', "090-1234-5678"),
        ("id,phone\n1,501234567\n", "501234567"),
        (json.dumps("id,phone\n1,501234567\n"), "501234567"),
    ],
)
def test_telephone_numbers_as_people_write_them(text: str, number: str) -> None:
    assert said(text) == [("phone", number)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ('from "ann lee"@mail.example.org today', '"ann lee"@mail.example.org'),
        (json.dumps({"to": '"a.b c"@mail.example.org'}), r"\"a.b c\"@mail.example.org"),
    ],
)
def test_quoted_local_parts(text: str, address: str) -> None:
    assert said(text) == [("email", address)]


@pytest.mark.parametrize(
    "text", ['["one", "@mail.example.org"]', '{"domain":"@mail.example.org"}', 'say "hi" @mail.example.org']
)
def test_a_quote_before_a_domain_is_no_address(text: str) -> None:
    assert said(text) == []


def test_a_second_card_or_telephone_is_spoken_of_by_the_first() -> None:
    text = f"my card is 4111111111111111. The one before it was {CARD}"
    assert said(text) == [("card", "4111111111111111"), ("card", CARD)]
    text = "ring me on +1 604 352 7490, that is\n07605 857362 in the evening"
    assert said(text) == [("phone", "+1 604 352 7490"), ("phone", "07605 857362")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("write to ursula/lund%8304@mail.example.org!", "ursula/lund%8304@mail.example.org"),
        ('{"user": "ursula/lund8304@mail.example.org"}', "ursula/lund8304@mail.example.org"),
        ("Mail/office@mail.example.org", "office@mail.example.org"),
        ("https://example.org/users/ann=1@mail.example.org", "ann=1@mail.example.org"),
        ("?id=7&email=ann@mail.example.org&x=1", "ann@mail.example.org"),
        ("ann&lund=63@mail.example.org", "ann&lund=63@mail.example.org"),
        ("メールはann@mail.example.orgです", "ann@mail.example.org"),
        ("メールは「山田.ann@旅行.jp」", "山田.ann@旅行.jp"),
    ],
)
def test_what_belongs_to_an_address(text: str, address: str) -> None:
    assert said(text) == [("email", address)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (json.dumps("to josé.lund@bäckerei.example"), "email", r"jos\u00e9.lund@b\u00e4ckerei.example"),
        ('<input value="o&#x27;lund&amp;co@mail.example.org">', "email", "o&#x27;lund&amp;co@mail.example.org"),
        (
            json.dumps("IBAN FI14\u00a02421\u00a08896\u00a03316\u00a075"),
            "iban",
            r"FI14\u00a02421\u00a08896\u00a03316\u00a075",
        ),
        (json.dumps("card 4539\u00a05787\u00a06362\u00a01486"), "card", r"4539\u00a05787\u00a06362\u00a01486"),
        (r"one\ntwo\n+49 30 1234567", "phone", "+49 30 1234567"),
    ],
)
def test_signs_that_are_written_by_their_number_are_read(text: str, kind: str, value: str) -> None:
    assert said(text) == [(kind, value)]
