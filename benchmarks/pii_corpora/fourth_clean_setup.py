"""Clean scenes of the fourth corpus from settings: placeholders, references to secrets, rules, public keys, packages."""

from collections.abc import Callable

from benchmarks.pii_corpora.fourth_keys import based
from benchmarks.pii_corpora.fourth_trace import Trace


def upstream(t: Trace) -> None:
    """Settings of a proxy."""
    t.tool(
        "read_file",
        {"path": "/etc/nginx/conf.d/app.conf"},
        (
            f"upstream app {{\n    server {t.host()}:8000 weight=2;\n"
            f"    server {t.host()}:8000;\n"
            f"    server unix:/run/app.sock backup;\n"
            f"}}\nserver {{\n    listen 0.0.0.0:443 ssl;\n"
            f"    server_name {t.site()};\n"
            f"    ssl_certificate_key /etc/ssl/private/app.key;\n"
            f"    allow {t.pick('10.0.0.0/8', '192.168.0.0/16')};\n"
            f"    deny all;\n    proxy_set_header X-Real-IP $remote_addr;\n"
            f"}}\n"
        ),
    )
    t.says("The second upstream is a machine of the test network.")


def env_example(t: Trace) -> None:
    """A .env to be copied, with nothing real in it."""
    hole = t.pick(
        "", "<your-api-key>", "your-api-key-here", "changeme", "xxxxxxxxxxxxxxxx", "sk-...", "REPLACE_ME", "...", "TODO"
    )
    t.user("Which variables do I need?", "Welche Variablen braucht der Dienst?")
    t.tool(
        "read_file",
        {"path": ".env.example"},
        (
            f"APP_ENV=local\n"
            f"DATABASE_URL=postgres://"
            f"{t.pick('user:password@localhost', '${DB_USER}:${DB_PASSWORD}@db', '<user>:<password>@localhost')}"
            f":5432/app\nOPENAI_API_KEY={t.pick(hole, 'sk-xxxxxxxxxxxxxxxxxxxxxxxx', 'sk-your-key-here')}\n"
            f"AWS_ACCESS_KEY_ID={t.pick('', 'AKIAXXXXXXXXXXXXXXXX', '<aws-access-key-id>')}\n"
            f"SMTP_PASSWORD={hole}\n"
            f"STRIPE_SECRET_KEY={t.pick('sk_test_...', 'sk_live_xxxxxxxxxxxxxxxxxxxxxxxx', hole)}\n"
            f"PORT={t.between(3000, 9000)}\n"
        ),
    )
    t.says("Five values are to be filled in.")


def references(t: Trace) -> None:
    """Settings that point at secrets elsewhere."""
    t.tool(
        "read_file",
        {"path": t.pick("values.yaml", "docker-compose.yml", "application.yml")},
        t.pick(
            (
                "env:\n  - name: DB_PASSWORD\n"
                "    valueFrom:\n      secretKeyRef:\n"
                "        name: orders-db\n        key: password\n"
                "  - name: API_TOKEN\n    valueFrom:\n"
                "      secretKeyRef: {name: api, key: token}\n"
            ),
            (
                "spring:\n  datasource:\n    url: jdbc:postgresql://db:5432/shop\n"
                "    username: ${DB_USER}\n"
                "    password: ${DB_PASSWORD:}\n"
                "  mail:\n    password: ${SMTP_PASSWORD}\n"
            ),
            (
                "services:\n  db:\n    image: postgres:16.3\n"
                "    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/db_password\n"
                "    secrets: [db_password]\n"
                "  api:\n    environment:\n"
                "      API_KEY: ${API_KEY:?missing}\n"
                '      TOKEN: "{{ vault_token }}"\n'
            ),
            (
                "auth:\n  password: vault:secret/data/orders#password\n"
                "  token: arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/token\n"
                "  api_key: !Ref ApiKeyParameter\n"
            ),
        ),
    )
    t.says("The password comes from a secret of the cluster.", "No secret stands in the file.")


def documentation_addresses(t: Trace) -> None:
    """A guide with the addresses that are kept for guides."""
    t.tool(
        "read_file",
        {"path": "docs/network.md"},
        (
            f"# Network\n\nSend traffic to `{t.pick('192.0.2', '198.51.100', '203.0.113')}.{t.between(1, 255)}` "
            f"first, then to `203.0.113.{t.between(1, 255)}`.\n"
            f"For IPv6 use `2001:db8:{t.hexed(3)}::{t.between(1, 99)}`. The gateway is {t.host()}, the mask "
            f"255.255.255.0.\n"
        ),
    )
    t.says("The guide names two addresses.")


def public_keys(t: Trace) -> None:
    """What may be seen by all: public keys and certificates."""
    block = based(t.chance, t.between(270, 900))
    name = t.pick("CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST")
    text = t.pick(
        f"-----BEGIN {name}-----\n"
        + "\n".join(block[i : i + 64] for i in range(0, len(block), 64))
        + f"\n-----END {name}-----",
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{based(t.chance, 32).rstrip('=')} deploy-key",
        f"256 SHA256:{based(t.chance, 32).rstrip('=')} deploy-key (ED25519)",
        (
            f"SHA256 Fingerprint={':'.join(t.hexed(2).upper() for _ in range(32))}\n"
            f"serial={t.hexed(36).upper()}\n"
            f"notAfter={t.when('%b %d %H:%M:%S %Y GMT')}"
        ),
    )
    t.tool(
        "bash",
        {"command": t.pick("cat server.crt", "cat deploy.pub", "openssl x509 -noout -fingerprint -serial -enddate")},
        text,
    )
    t.says("It is valid for another year.", "That is the public part.")


def security_groups(t: Trace) -> None:
    """Rules for what may come in."""
    rows = [
        (
            f"ingress tcp {t.pick('22', '443', '5432')} from "
            f"{t.pick('10.0.0.0/8', '0.0.0.0/0', '172.16.0.0/12', '192.168.1.0/24', '::/0', 'fd00::/8')}"
        )
        for _ in range(t.between(2, 6))
    ]
    t.user("Is the database open to the world?", "Check the rules of the edge.")
    t.tool("list_rules", {"group": f"sg-0{t.hexed(16)}"}, "\n".join(rows))
    t.says("Port 22 should not be open to 0.0.0.0/0.")


def terraform_plan(t: Trace) -> None:
    """What terraform would do."""
    t.tool(
        "bash",
        {"command": "terraform plan"},
        (
            f"  # aws_db_instance.main will be updated in-place\n"
            f'  ~ resource "aws_db_instance" "main" {{\n'
            f'        id             = "db-{t.hexed(10).upper()}"\n'
            f'      ~ engine_version = "16.{t.between(1, 3)}" -> "16.{t.between(3, 6)}"\n'
            f"      + password       = (sensitive value)\n"
            f"        username       = var.db_username\n"
            f'        private_ip     = "{t.host()}"\n'
            f"    }}\n\nPlan: 0 to add, 1 to change, 0 to destroy."
        ),
    )
    t.says("Only the engine changes.")


def redacted_headers(t: Trace) -> None:
    """A request of which the secrets were taken out."""
    t.tool(
        "get_request",
        {"id": t.uuid()},
        {
            "method": "POST",
            "path": "/v1/orders",
            "headers": {
                "Authorization": t.pick("Bearer ***", "Bearer <token>", "[REDACTED]", "Basic ****"),
                "X-Api-Key": t.pick("********", "[FILTERED]", "sk-...f3Qa", "<redacted>"),
                "ETag": f'W/"{t.hexed(32)}"',
                "Cookie": "[Filtered]",
            },
            "remoteAddr": t.host(),
        },
    )
    t.says("The call was refused.")


SETUP: tuple[Callable[[Trace], None], ...] = (
    upstream, env_example, references, documentation_addresses, public_keys, security_groups, terraform_plan,
    redacted_headers,
)  # fmt: skip
