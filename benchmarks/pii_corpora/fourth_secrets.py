"""Planted scenes of the fourth corpus with keys and passwords in commands, calls and files of credentials."""

import json
from collections.abc import Callable

from benchmarks.pii_corpora.fourth_keys import hexed
from benchmarks.pii_corpora.fourth_trace import Trace


def curl_bearer(t: Trace) -> None:
    """A call with a token in its header."""
    token = t.jwt() if t.often(0.6) else t.key(t.pick("OpenAI", "GitHub", "Hugging Face", "SendGrid", "Slack"))
    t.tool(
        "bash",
        {
            "command": (
                f"curl -s -H 'Authorization: Bearer {token}' "
                f"https://api.{t.site()}/v1/{t.pick('me', 'orders?limit=5', 'models')}"
            )
        },
        {"ok": True, "count": t.between(0, 60)},
    )
    t.says("The call works.")


def http_dump(t: Trace) -> None:
    """A request with its headers."""
    lines = [
        f"> POST /v2/{t.pick('events', 'charge')} HTTP/1.1",
        f"> Host: api.{t.site()}",
        "> Content-Type: application/json",
        f"> {t.pick('Authorization: Bearer', 'authorization: bearer')} {t.jwt()}",
    ]
    if t.often():
        lines.append(f"> X-Forwarded-For: {t.ip()}")
    lines += ["< HTTP/1.1 401 Unauthorized", f"< x-request-id: {t.uuid()}", '< {"error":"token_expired"}']
    t.tool("get_har_entry", {"index": t.between(0, 40)}, "\n".join(lines))
    t.says("The token has expired.")


def oauth_answer(t: Trace) -> None:
    """What an endpoint for tokens returns."""
    body = {
        t.pick("access_token", "accessToken", "id_token"): t.jwt(),
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read write",
    }
    if t.often(0.4):
        body["refresh_token"] = t.secret("refresh token", hexed(t.chance, 40))
    t.tool("http_post", {"url": f"https://auth.{t.site()}/oauth/token", "grant_type": "client_credentials"}, body)
    t.says("The token lasts an hour.")


def command_password(t: Trace) -> None:
    """A password on a command line."""
    line = t.pick(
        "mysql -h db.internal -u root -p'{}' -e 'show processlist'",
        "PGPASSWORD='{}' psql -h db.internal -U app -c 'select 1'",
        "redis-cli -h cache.internal -a '{}' info",
        "docker login registry.internal -u ci --password '{}'",
        "sshpass -p '{}' scp dump.sql backup@vault-02:/srv/",
        "curl -u admin:'{}' http://localhost:9200/_cat/indices",
        "export DB_PASSWORD='{}'",
    )
    t.tool(
        "bash",
        {"command": line.format(t.password())},
        t.pick("OK", "Login Succeeded", "ERROR 1045 (28000): Access denied"),
    )
    t.says("That went through.", "The command ended.")


def told_password(t: Trace) -> None:
    """A password told in words."""
    t.user(
        t.pick(
            "The login is admin, the password is {} - please check the dashboard.",
            "Das Passwort für das Testsystem lautet {}",
            "Le mot de passe est {}",
            "La contraseña es {}",
            "user: report / password: {}",
            "wifi password: {}",
            "A senha é {}",
            "Passwort: {}",
        ).format(t.password())
    )
    t.says("Thank you. Please change it afterwards.", "Danke, ich sehe nach.")


def pem_file(t: Trace) -> None:
    """A file with a private key."""
    t.tool(
        "bash",
        {"command": f"cat {t.pick('~/.ssh/id_rsa', 'certs/server.key', '/etc/ssl/private/app.pem')}"},
        t.pem() + "\n",
    )
    t.says("That is the private key of the server. It should not be readable by all.")


def service_account(t: Trace) -> None:
    """The file of a service account."""
    content = {
        "type": "service_account",
        "project_id": f"shop-{t.num(5)}",
        "private_key_id": t.hexed(40),
        "private_key": t.pem(1) + "\n",
        "client_id": t.num(21),
        "token_uri": f"https://oauth.{t.site()}/token",
    }
    t.tool("read_file", {"path": "sa.json"}, json.dumps(content, indent=2 if t.often() else None))
    t.says("This account may read the bucket.")


def azure_connection(t: Trace) -> None:
    """A connection string."""
    line = t.pick(
        "DefaultEndpointsProtocol=https;AccountName=shopfiles;AccountKey={};EndpointSuffix=core.windows.net",
        "Endpoint=sb://orders.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={}",
    )
    t.tool(
        "bash",
        {"command": "az storage account show-connection-string -n shopfiles"},
        {"connectionString": line.format(t.key("Azure storage"))},
    )
    t.says("Use the connection string in the app settings.")


def sql_server_string(t: Trace) -> None:
    """A connection string of a database."""
    t.tool(
        "read_file",
        {"path": "web.config"},
        (
            f'<add name="Main" connectionString="Server=tcp:{t.host()},1433;Database=Shop;User Id=app;'
            f'{t.pick("Password", "Pwd", "pwd")}={t.password("random")};Encrypt=True;" />'
        ),
    )
    t.says("Encryption is on.")


def aws_credentials(t: Trace) -> None:
    """A file of credentials."""
    gap = t.pick(" = ", "=")
    t.tool(
        "bash",
        {"command": "cat ~/.aws/credentials"},
        (
            f"[{t.pick('default', 'prod')}]\n"
            f"aws_access_key_id{gap}{t.key('AWS id')}\n"
            f"aws_secret_access_key{gap}{t.key('AWS secret')}\n"
            f"region{gap}eu-central-1\n"
        ),
    )
    t.says("One profile is configured.")


SECRETS: tuple[Callable[[Trace], None], ...] = (
    curl_bearer, http_dump, oauth_answer, command_password, told_password, pem_file, service_account,
    azure_connection, sql_server_string, aws_credentials,
)  # fmt: skip
