"""Secrets in lines of configuration, statements, lists of names and values, and in what people write to each other."""

import base64

import pytest

from curation.privacy.patterns import find

BASIC = base64.b64encode(b"bot:Rz8kkQ-12").decode()
LONG = "Ab3d" * 150 + "=="


def said(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        # lines of configuration
        ("machine ftp.rennweg.io\nlogin bo\npassword Qv83kkZnd2\n", "Qv83kkZnd2"),
        ("Key        Value\n---        -----\npassword   a9Xk%21mmP2\nuser   bo\n", "a9Xk%21mmP2"),
        ("bind 127.0.0.1\nrequirepass Jk28dmqPzz91\nport 6380\n", "Jk28dmqPzz91"),
        ("  option encryption 'psk2'\n  option key 'Wolke77hafen'\n", "Wolke77hafen"),
        ("username ops privilege 15 secret 0 Berg!2210\n!", "Berg!2210"),
        ("enable secret Berg!2210\nline vty 0 4\n", "Berg!2210"),
        ("snmp-server community k29dLmq4 RW\n", "k29dLmq4"),
        ("rocommunity k29dLmq4 10.0.0.0/8\n", "k29dLmq4"),
        ('network={\n ssid="Hof"\n psk="Birne-4410"\n}', "Birne-4410"),
        ("    Key Content            : Birne-4410\n", "Birne-4410"),
        ("WIFI:S:Hof;T:WPA;P:Birne-4410;;", "Birne-4410"),
        ("db.rennweg.io:5433:orders:reader:m2Kd90Xz\n", "m2Kd90Xz"),
        ("adminPassword: KfjQzPmWvXtR\nreplicas: 2\n", "KfjQzPmWvXtR"),
        # statements and commands
        ("CREATE USER bo IDENTIFIED BY 'Ast77!xy'", "Ast77!xy"),
        ("ALTER USER bo IDENTIFIED WITH mysql_native_password BY 'Ast77!xy'", "Ast77!xy"),
        ("ALTER ROLE bo WITH ENCRYPTED PASSWORD 'Ast77!xy' VALID UNTIL 'infinity'", "Ast77!xy"),
        ('ConvertTo-SecureString "Ast77!xy" -AsPlainText', "Ast77!xy"),
        ("echo 'bo:Ast77!xy' | sudo chpasswd", "Ast77!xy"),
        ("curl -u kd83JwqQm2Zx81LpTt6v: https://api.rennweg.io/v2", "kd83JwqQm2Zx81LpTt6v"),
        ("curl -b 'lang=de; sessionid=kd83JwqQm2Zx81Lp' https://rennweg.io", "kd83JwqQm2Zx81Lp"),
        ("Cookie: lang=de; connect.sid=s%3Akd83JwqQm2Zx81Lp.9dkKw", "s%3Akd83JwqQm2Zx81Lp.9dkKw"),
        # names and values
        ('{"name": "passwd", "type": "password", "value": "Qv83kkZnd2"}', "Qv83kkZnd2"),
        ('{"name": "account[password]", "value": "Qv83kkZnd2"}', "Qv83kkZnd2"),
        ('{"key": "password", "value": "Qv83kkZnd2", "type": "string"}', "Qv83kkZnd2"),
        ('"apikey": [{"key": "value", "value": "kd83JwqQm2Zx81LpTt6v"}]', "kd83JwqQm2Zx81LpTt6v"),
        (
            '{"type": "random_password", "name": "db", "instances": [{"attributes": {"length": 16, "result": "kd83JwqQm2Zx81Lp"}}]}',
            "kd83JwqQm2Zx81Lp",
        ),
        (f'"auths": {{"r.rennweg.io": {{"auth": "{BASIC}"}}}}', BASIC),
        ("MAILER_SERVER_TOKEN=5f0f8c1e-93f2-4b0a-9d3e-1f2a7c55e001\n", "5f0f8c1e-93f2-4b0a-9d3e-1f2a7c55e001"),
        ('app.secret_key = b"kd83JwqQm2Zx81Lp"', "kd83JwqQm2Zx81Lp"),
        ("config.secret_key_base = 'kd83JwqQm2Zx81LpTt6v'", "kd83JwqQm2Zx81LpTt6v"),
        (f"    client-key-data: {LONG}\n", LONG),
        (f'"SessionToken": "{LONG}"', LONG),
        # what people write
        ("Das Passwort lautet: ast.birne412", "ast.birne412"),
        ("lösenordet är Berg!2210", "Berg!2210"),
        ("passordet er Berg!2210", "Berg!2210"),
        ("Votre mot de passe provisoire : Berg!2210", "Berg!2210"),
        ("Su contraseña provisional es Berg-22-10 y caduca hoy", "Berg-22-10"),
        ("user bo, pw Berg!2210 - works?", "Berg!2210"),
        ("guest wifi pw: berg-wald-22", "berg-wald-22"),
        ("log in as 'bo' with password 'Berg_2210'", "Berg_2210"),
        ("here is the login for the shop:\nadmin / Berg!2210\n", "Berg!2210"),
        ("credentials: root / Berg!2210", "Berg!2210"),
    ],
)
def test_secrets_are_found(text: str, secret: str) -> None:
    assert ("secret", secret) in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "Reset password v2.1.3\nDone",
        "password required\npassword optional\n",
        "forgot password\nchange password immediately\n",
        "enable password encryption\n",
        "option key name\n",
        "requirepass foobared\n",
        "snmp-server community public RO\n",
        "ALTER ROLE bo WITH PASSWORD 'secret'",
        "IDENTIFIED BY '<password>'",
        "PASSWORD '${DB_PASSWORD}'",
        "src/app.py:120:main:reader: value too long\n",
        'File "x.py", line 3 / module2.py',
        "mount /dev/sda1 / ext4-disk1",
        "2 of 5 / project42",
        '{"name": "page", "type": "string", "value": "kd83JwqQm2Zx81Lp"}',
        '{"name": "password", "type": "password", "value": ""}',
        '{"name": "password", "value": "${secrets.DB}"}',
        '{"key": "value", "value": "kd83JwqQm2Zx81Lp"}',
        '{"type": "random_id", "attributes": {"result": "kd83JwqQm2Zx81Lp"}}',
        '"auth": "a3Vyemxlc2VubGVzZW4="',
        "The cookie banner says sessionid=unknown",
        "password: PasswordInput\n",
        "password: String\npassword: getUserById\n",
        "password = settings.default_password",
        "The password is stored.hashed there",
        "NEXT_PAGE_TOKEN=5f0f8c1e-93f2-4b0a-9d3e-1f2a7c55e001\n",
        "token: 5f0f8c1e-93f2-4b0a-9d3e-1f2a7c55e001",
        "pw strength: medium-high",
        "no pw needed",
        "of 9pw status=200 ok",
        "pw length=16chars",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert said(text) == []
