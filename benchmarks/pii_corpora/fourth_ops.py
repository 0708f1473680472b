"""Planted scenes of the fourth corpus from operations: addresses in logs, keys and passwords in configuration."""

import json
from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
    "python-requests/2.32.3",
)


def access_log(t: Trace) -> None:
    """Lines of a web server."""
    lines = [
        (
            f'{t.ip()} - - [{t.when("%d/%b/%Y:%H:%M:%S +0000")}] "{t.pick("GET", "POST")} '
            f'{t.pick("/login", "/api/v1/orders", "/wp-login.php", "/health")} HTTP/1.1" '
            f'{t.pick("200", "401", "404", "502")} {t.between(100, 90000)} "-" "{t.pick(*AGENTS)}"'
        )
        for _ in range(t.between(2, 6))
    ]
    t.user("Why do logins fail?", "Who is hammering the login page?")
    t.tool("bash", {"command": "tail -n 5 /var/log/nginx/access.log"}, "\n".join(lines))
    t.says("The requests come from different networks.")


def auth_log(t: Trace) -> None:
    """Failed logins over SSH."""
    lines = [
        f"{t.when('%b %d %H:%M:%S')} web-{t.between(1, 9)} sshd[{t.num(5)}]: "
        f"{t.pick('Failed password for root', 'Invalid user admin', 'Accepted publickey for deploy')}"
        f" from {t.ip()} port {t.between(20000, 65000)}{t.pick(' ssh2', '')}"
        for _ in range(t.between(1, 4))
    ]
    t.tool("bash", {"command": "grep sshd /var/log/auth.log | tail"}, "\n".join(lines))
    t.says("Somebody tries common names of users.")


def json_log(t: Trace) -> None:
    """Requests as lines of JSON."""
    field = t.pick("client_ip", "remote_addr", "clientIp", "ip", "src_ip", "x-forwarded-for")
    lines = [
        json.dumps(
            {
                "ts": t.when(),
                "level": t.pick("info", "warn"),
                "path": t.pick("/checkout", "/v1/token", "/search"),
                "status": t.between(200, 504),
                field: t.ip(),
                "duration_ms": t.between(2, 4000),
                "trace_id": t.hexed(32),
            }
        )
        for _ in range(t.between(1, 4))
    ]
    t.tool("query_logs", {"query": "status:>=400", "from": "-15m"}, "\n".join(lines))
    t.says("A handful of errors, all from the edge.")


def login_alert(t: Trace) -> None:
    """A notice of a login, in words."""
    text = t.pick(
        "New sign-in to your account from {} ({}) at {}.",
        "Neue Anmeldung von {} ({}) um {}. Waren Sie das?",
        "Nouvelle connexion depuis {} ({}) à {}.",
        "Nuevo inicio de sesión desde {} ({}) a las {}.",
    ).format(t.ip(), t.pick("Chrome, Windows", "Safari, iPhone", "Firefox, Linux"), t.when("%H:%M"))
    w = t.who()
    if t.often():
        text += f" Account: {t.email(w)}"
    t.tool("get_notification", {"id": t.num(8)}, {"type": "security", "text": text})
    t.says("Was that login yours?")


def firewall_ticket(t: Trace) -> None:
    """Somebody asks for an address to be let in or kept out."""
    t.user(
        (
            f"Please {t.pick('whitelist', 'block', 'allow', 'unblock')} "
            f"{t.ip()}{t.pick('', '/32', ' on port 443', ', it is our new office')}."
        ),
    )
    t.tool("firewall_update", {"ruleset": "edge", "position": t.between(1, 40)}, {"ok": True, "revision": t.num(4)})
    t.says("The rule is active.")


def dns_records(t: Trace) -> None:
    """Records of a zone."""
    lines = [f"www.{t.site()}.\t300\tIN\tA\t{t.ip(4)}"]
    if t.often(0.6):
        lines.append(f"api.{t.site()}.\t300\tIN\tAAAA\t{t.ip(6)}")
    t.tool("bash", {"command": "dig +noall +answer any"}, "\n".join(lines))
    t.says("The records are as they should be.")


def cloud_instance(t: Trace) -> None:
    """A machine of a cloud."""
    t.tool(
        "aws_describe_instances",
        {"InstanceIds": [f"i-0{t.hexed(16)}"]},
        {
            "InstanceId": f"i-0{t.hexed(16)}",
            "PrivateIpAddress": t.host(),
            "PublicIpAddress": t.ip(4),
            "State": {"Name": "running"},
            "InstanceType": t.pick("t3.medium", "m6i.large"),
        },
    )
    t.says("The machine runs.")


def ssh_command(t: Trace) -> None:
    """A command on another machine."""
    t.tool(
        "bash",
        {
            "command": (
                f"{t.pick('ssh -p 22 root@', 'ssh deploy@', 'ping -c 3 ', 'curl -m 5 http://', 'traceroute ', 'nc -vz ')}"
                f"{t.ip(4)}{t.pick('', ' uptime')}"
            )
        },
        t.pick(
            "Connection timed out",
            f" {t.when('%H:%M:%S')} up {t.between(2, 300)} days,  load average: 0.12, 0.09, 0.05",
        ),
    )
    t.says("The host answers slowly.", "No answer from the host.")


def env_file(t: Trace) -> None:
    """A .env with a password and a key or two."""
    name, value = t.variable()
    quote = t.pick("", "", '"')
    lines = [
        "APP_ENV=production",
        f"DB_HOST={t.pick('db.internal', t.host())}",
        "DB_USER=app",
        f"DB_PASSWORD={quote}{t.password('words' if not quote else '')}{quote}",
        f"{name}={quote}{value}{quote}",
        f"LOG_LEVEL={t.pick('info', 'debug')}",
    ]
    if t.often(0.4):
        other, more = t.variable(t.pick("OpenAI", "Stripe", "SendGrid", "Slack", "GitHub"))
        if other != name:
            lines.insert(1, f"{other}={more}")
        else:
            lines.insert(1, f"{other}_OLD={more}")
    t.user("Why does the app not start?", "Check the configuration of the worker.")
    t.tool("read_file", {"path": t.pick(".env", ".env.production", "deploy/app.env")}, "\n".join(lines) + "\n")
    t.says("The file looks complete. Keep it out of the repository.")


def yaml_config(t: Trace) -> None:
    """Settings in YAML."""
    mark = t.pick("", "'", '"')
    secret = t.password("random" if not mark else "")
    text = (
        f"database:\n  host: {t.host()}\n"
        f"  port: 5432\n  username: {t.pick('app', 'report', 'admin')}\n"
        f"  password: {mark}{secret}{mark}\n"
        f"  pool: {t.between(5, 50)}\n"
    )
    if t.often():
        name = t.pick("OpenAI", "Anthropic", "SendGrid", "Google", "Stripe")
        text += f"{name.lower()}:\n  {t.pick('api_key', 'apiKey', 'secret_key')}: {t.key(name)}\n  timeout: 30\n"
    t.tool("read_file", {"path": t.pick("config/application.yml", "values.yaml", "settings.yaml")}, text)
    t.says("The pool is too small for this load.")


def json_config(t: Trace) -> None:
    """Settings in JSON."""
    config = {
        "smtp": {
            "host": f"smtp.{t.site()}",
            "port": 587,
            "user": "mailer",
            t.pick("password", "pass", "smtpPassword"): t.password(),
        },
        "retries": 3,
    }
    if t.often():
        config["integrations"] = {"telegram": {"botToken": t.key("Telegram"), "chatId": f"-100{t.num(10)}"}}
    t.tool("read_file", {"path": "appsettings.Production.json"}, config)
    t.says("The port is the usual one for STARTTLS.")


def database_url(t: Trace) -> None:
    """A URL of a database with a password."""
    scheme, port = t.pick(
        "postgresql:5432", "postgres:5432", "mysql+pymysql:3306", "mongodb+srv:", "redis:6379", "amqp:5672"
    ).split(":")
    at = t.pick("db.internal", "pg-main", f"cluster0.{t.hexed(5)}.db.internal", t.host())
    url = (
        f"{scheme}://{t.pick('app', 'root', 'svc_orders')}:{t.password(t.pick('random', 'random', 'words'))}"
        f"@{at}{':' + port if port else ''}/{t.pick('shop', 'orders', 'prod')}"
    )
    if t.often():
        t.tool(
            "bash",
            {"command": f'{t.pick("psql", "pg_dump -Fc", "sqlacodegen")} "{url}"'},
            t.pick("could not connect to server: Connection timed out", 'psql (16.3)\nType "help" for help.'),
        )
    else:
        t.tool(
            "bash",
            {"command": "printenv | grep -i url"},
            (
                f"{t.pick('DATABASE_URL', 'DB_URL', 'SQLALCHEMY_DATABASE_URI', 'CELERY_BROKER_URL')}={url}\n"
                f"PUBLIC_URL=https://{t.site()}"
            ),
        )
    t.says("The database cannot be reached from here.")


def kube_secret(t: Trace) -> None:
    """A password in a manifest, as text."""
    text = (
        f"apiVersion: v1\nkind: Secret\n"
        f"metadata:\n  name: {t.pick('orders-db', 'mailer')}\n"
        f"  namespace: prod\ntype: Opaque\n"
        f"stringData:\n  username: app\n"
        f"  password: {t.password('random')}\n"
    )
    if t.often():
        text += f"  {t.pick('api-key', 'token', 'app-key')}: {t.key(t.pick('Stripe', 'GitLab', 'OpenAI', 'Slack'))}\n"
    t.tool("kubectl", {"args": "get -f secret.yaml -o yaml"}, text)
    t.says("The manifest is fine.")


def compose_file(t: Trace) -> None:
    """A file of docker compose with plain variables."""
    name, value = t.variable()
    mark = t.pick(": ", "=")
    lead = "- " if mark == "=" else ""
    word = t.password("random")
    text = (
        f"services:\n  db:\n    image: postgres:16\n"
        f"    environment:\n      {lead}POSTGRES_USER{mark}app\n"
        f"      {lead}POSTGRES_PASSWORD{mark}{word}\n"
        f"  api:\n    image: registry.internal/api:1.{t.between(0, 40)}.2\n"
        f"    environment:\n      {lead}{name}{mark}{value}\n"
    )
    t.tool("read_file", {"path": "docker-compose.yml"}, text)
    t.says("The image of the database is a version behind.")


OPS: tuple[Callable[[Trace], None], ...] = (
    access_log, auth_log, json_log, login_alert, firewall_ticket, dns_records, cloud_instance, ssh_command,
    env_file, yaml_config, json_config, database_url, kube_secret, compose_file,
)  # fmt: skip
