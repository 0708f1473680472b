"""Names of fields in camel case, with `no` or `number` behind them, and references to what is kept elsewhere."""

import base64
import json

import pytest

from curation.privacy.patterns import find, find_value

CARD = "4539578763621486"
GROUPS = "4539 5787 6362 1486"
STORED = base64.b64encode(bytes(range(7, 71))).decode()  # 64 bytes
SIGNS = "%^*k%em-jq+%3foo((g)p70s0e26_l*acb_vcjjuia3kx2()tr"


def said(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize("key", ["cardNumber", "ccNumber", "creditCardNo", "cc_no", "panNumber", "guest_pan"])
@pytest.mark.parametrize("number", [CARD, GROUPS, GROUPS.replace(" ", "-"), "3782 822463 10005"])
def test_a_card_in_a_field_named_so(key: str, number: str) -> None:
    assert said(f'{{"{key}": "{number}"}}') == [("card", number)]
    assert said(json.dumps({"arguments": json.dumps({key: number, "amount": 7})})) == [("card", number)]
    assert [one.kind for one in find_value(key, number)] == ["card"]


@pytest.mark.parametrize("key", ["orderNumber", "trackingNo", "fileCode", "itemRef", "paymentId", "accountNumber"])
@pytest.mark.parametrize("number", [CARD, GROUPS])
def test_a_number_in_a_field_for_something_else(key: str, number: str) -> None:
    assert said(f'{{"{key}": "{number}"}}') == []


@pytest.mark.parametrize(
    "key",
    [
        "phone_no",
        "phoneNo",
        "contactTel",
        "mobileNumber",
        "cellNo",
        "homeTelNo",
        "tel_number",
        "contactNumber",
        "faxNr",
    ],
)
@pytest.mark.parametrize("number", ["02 2180 5422", "345 210 9611", "(02) 9807 3958", "303.866.8090", "03-3672-9864"])
def test_a_telephone_in_a_field_named_so(key: str, number: str) -> None:
    assert said(f'{{"{key}": "{number}"}}') == [("phone", number)]
    assert [one.kind for one in find_value(key, number)] == ["phone"]


@pytest.mark.parametrize(
    "key", ["hotelNumber", "phoneNumberId", "phone_number_id", "telOrderNo", "modelNo", "contactId"]
)
@pytest.mark.parametrize("number", ["345 210 9611", "303.866.8090"])
def test_groups_of_digits_in_a_field_for_something_else(key: str, number: str) -> None:
    assert said(f'{{"{key}": "{number}"}}') == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Kind regards,\nAnn Lee\nM: 07729 489242\n", "07729 489242"),
        ("Ann Lee | T: (020) 7946 0958 | Sales", "(020) 7946 0958"),
        ("Contact no.: 8325344152", "8325344152"),
        ("Mi teléfono es el 637307736.", "637307736"),
        ("Mon téléphone est le 612345678", "612345678"),
        ("Bitte rufen Sie mich zurück: 0151-76732243", "0151-76732243"),
        ("Mi chiami al 3391063666 dopo le 15", "3391063666"),
        ("Llámeme al 637307736 por favor", "637307736"),
        ("Tél. 06.20.03.15.28", "06.20.03.15.28"),
        ("Tlf: 612 34 567", "612 34 567"),
        ("my number: 412 769 8361", "412 769 8361"),
        ("id,contactTel\n1,501234567\n", "501234567"),
        ("id,customerPhoneNo\n1,501234567\n", "501234567"),
    ],
)
def test_telephones_beside_words_of_many_languages(text: str, number: str) -> None:
    assert said(text) == [("phone", number)]


@pytest.mark.parametrize(
    "text",
    [
        "M: 8325344\nT: 1738540800\nP: 0.0123456789",
        "phone latency 0.0123456789",
        "El pedido es el 637307736.",
        "se llama pedido 637307736",
        "item: 07729 489242",
        "Case number: 412 769 8361",
        "hotel no. 637307736",
    ],
)
def test_what_is_no_telephone_beside_them(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"DB_USER=app\nAZURE_STORAGE_KEY={STORED}\nLOG_LEVEL=info\n", STORED),
        (json.dumps({"env": {"AZURE_STORAGE_KEY": STORED}}), STORED),
        (f"cosmosKey: {STORED}", STORED),
        (f"PresharedKey = {STORED[:43]}=", f"{STORED[:43]}="),
        (f"DEBUG = False\nSECRET_KEY = '{SIGNS}'\n", SIGNS),
        (f"SECRET_KEY = '${SIGNS}'\n", f"${SIGNS}"),
        (f'"secret_key": "={SIGNS}"', f"={SIGNS}"),
        (f"DEBUG=0\nSECRET_KEY={SIGNS}\n", SIGNS),
        (f"DEBUG=0\nSECRET_KEY=k3&{SIGNS}\n", f"k3&{SIGNS}"),
        ("GET /x?api_key=abcdef123456&q=foo+bar%20baz-(qux)!*&z=1", "abcdef123456"),
        ("password: p4/ss/w#rd", "p4/ss/w#rd"),
    ],
)
def test_keys_drawn_by_lot(text: str, value: str) -> None:
    assert said(text) == [("secret", value)]


@pytest.mark.parametrize(
    "text",
    [
        "auth:\n  password: vault:secret/data/orders#password",
        "password: secret/data/orders#password",
        "client_secret: 'ssm:/prod/orders/client-secret-1'",
        'token: "op://vault-7/item/token"',
        "secret: ref+vault://secret/db7#/password",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/token",
        '{"secretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/orders-db-7AbC2f"}',
        "Contraseña: mínimo ocho caracteres",
        "Пароль: минимум восемь знаков",
        "Şifre: güçlü olmalı",
        "密码：至少八位，含数字",
        "パスワード：8文字以上",
        "密码：至少8位字符",
        "errors: {'password': 'Ensure this field has at least 8 characters.'}",
        f"PUBLIC_KEY={STORED}",
        f"publicKey: {STORED}",
        "SECRET_KEY = '%(DJANGO_SECRET_KEY)s'",
        "SECRET_KEY = '%DJANGO_SECRET_KEY%'",
        "password = '$DB_PASSWORD'",
    ],
)
def test_references_and_sentences_are_no_secrets(text: str) -> None:
    assert said(text) == []
