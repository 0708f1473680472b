"""A password has no form of its own: what stands before it says that it is one."""

import json

import pytest

from curation.privacy.patterns import find, find_value

SHA = "9f86d081884c7d659a2feaa0c55ad015"
DRAWN = "q8Zr4TnW1xKe6LbY0cVd"


def said(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my password is teapot-417", "teapot-417"),
        ("mein Passwort ist Kessel_81, danke", "Kessel_81"),
        ("La contraseña es: tetera#92 (usuario admin)", "tetera#92"),
        ("mot de passe du wifi : théière77x", "théière77x"),
        ("パスワードは「yakan-5521」です", "yakan-5521"),
        ("the password for the staging shop: kettle29!", "kettle29!"),
        ("Password: aB3#fG7!kL9@.", "aB3#fG7!kL9@"),
        ("SMTP_PASS='kettle 29'".replace(" ", "-"), "kettle-29"),
        ("SESSION_SECRET=" + SHA, SHA),
        ("signing_secret: " + SHA, SHA),
        ("ALGOLIA_ADMIN_KEY=" + SHA, SHA),
        ("SharedAccessKeyName=Root;SharedAccessKey=" + DRAWN + "=", DRAWN + "="),
        ("NPM_TOKEN=" + DRAWN, DRAWN),
        ("requirepass k3ttle".replace(" ", " = "), "k3ttle"),
        ('API_KEY: str = "kettlekettle"', "kettlekettle"),
        ("define('DB_PASSWORD', 'kettle29');", "kettle29"),
        ("<password>kettleKettle</password>", "kettleKettle"),
        ('<add key="SmtpPassword" value="kettle29" />', "kettle29"),
        ("- name: DB_PASSWORD\n  value: kettle29\n", "kettle29"),
        ("headers['X-Api-Key'] = 'kettle29'", "kettle29"),
        ("DB_HOST=db\nDB_PASSWORD=kEt7le.tEap0t\n", "kEt7le.tEap0t"),
        ("DB_PASSWORD=kEttLe-tEapOt", "kEttLe-tEapOt"),
        ("Server=a,1433;User Id=b;Password=kEt7le.tEap0t;Encrypt=true", "kEt7le.tEap0t"),
        ("my key: api_key=kettle29", "kettle29"),
        ("${DB_PASSWORD:-kettle29}", "-kettle29"),
    ],
)
def test_what_is_assigned_or_said(text: str, value: str) -> None:
    assert said(text) == [("secret", value)]


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("mysql -u app -pkettle29 orders", "kettle29"),
        ("sshpass -p 'kettle29' ssh deploy@10.0.0.8", "kettle29"),
        ("curl -s -u svc:kettle29 https://intranet.local/x", "kettle29"),
        ("redis-cli -h 10.8.1.4 -a kettle29 info", "kettle29"),
        ("az login --username ops --password 'kettlekettle'", "kettlekettle"),
        ("htpasswd -bc /etc/nginx/.htpasswd admin kettle29", "kettle29"),
        ("openssl pkcs12 -in k.p12 -passin pass:kettle29 -nodes", "kettle29"),
        ("machine git.local login bot password kettle29", "kettle29"),
        ("docker login -u bot -p kettle29 registry.local", "kettle29"),
        ('http :8080 "Authorization: Token ' + SHA + '"', SHA),
        ("curl -H 'PRIVATE-TOKEN: kEttLe_tEapOt-kEttLe' https://git.local", "kEttLe_tEapOt-kEttLe"),
    ],
)
def test_what_is_given_to_a_command(command: str, value: str) -> None:
    assert said(command) == [("secret", value)]
    inside = json.dumps({"command": command})
    assert said(inside) == [("secret", value)]


@pytest.mark.parametrize(
    "text",
    [
        "SECRET_KEY: ${SECRET_KEY:?missing}",
        "SMTP_PASSWORD=\nJWT_SECRET=${JWT_SECRET}",
        "password = os.environ['DB_PASSWORD']\nclient = Client(password=password, token=settings.SERVICE_TOKEN)",
        "my password is not working, and the password is expired.",
        "the password is base64-encoded",
        "the password for the shop is too long: 64 characters are allowed",
        "Failed password for root from 2001:db8::17 port 4242",
        'mysql -u app -p orders; mysql -p"$MYSQL_PWD"; docker run -p 127.0.0.1:8080:80 api',
        "deploy --password-stdin --token-file /run/secrets/token --password <PASSWORD>",
        "curl -u $USER:$PASS https://intranet.local; curl -u user: https://intranet.local",
        '{"next_page_token": "CAUQAA4Tgd81kqRZ0pLm", "max_tokens": 4096, "pad_token": "<|endoftext_2048|>"}',
        f'{{"key": "{SHA}", "primary_key": "customer_id_2"}}',
        'labels = ["password", "username2"]',
        "password: mandatory.",
        "access_key=customer_42_primary_index",
    ],
)
def test_what_is_no_password(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("key", "value", "holds"),
    [
        ("dbPassword", "teapot", True),
        ("pass", "teapot-417", True),
        ("pass", "boarding", False),
        ("clientSecret", "teapots", True),
        ("token", DRAWN, True),
        ("token", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", False),
        ("cursorToken", DRAWN, False),
        ("masterKey", DRAWN, True),
        ("key", DRAWN, False),
    ],
)
def test_the_name_of_a_field_says_it(key: str, value: str, holds: bool) -> None:
    assert bool(find_value(key, value)) is holds


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.zapier.com/hooks/catch/5820147/k3ttle9x",
        "https://shop.webhook.office.com/webhookb2/5f1c/IncomingWebhook/k3ttle9xk3ttle9x/9d2e",
        "https://api.telegram.org/bot1234567890:AAk3ttle9xk3ttle9xk3ttle9xk3ttle9xk",
    ],
)
def test_addresses_of_hooks(url: str) -> None:
    assert [kind for kind, _ in said(f"post to {url} please")] == ["secret"]
