"""Planted scenes of the fourth corpus from code: differences, reviews, traces of errors, pipelines, notebooks."""

import json
from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace


def git_diff(t: Trace) -> None:
    """A difference that puts a key into code."""
    name, value = t.variable(
        t.pick("OpenAI", "Anthropic", "Stripe", "GitHub", "Google", "SendGrid", "Hugging Face", "Twilio")
    )
    old = t.pick(f'os.environ["{name}"]', f'os.getenv("{name}")', f"settings.{name}")
    t.user("Review this change.", "Anything wrong with the last commit?")
    t.tool(
        "git_diff",
        {"ref": "HEAD~1"},
        (
            f"diff --git a/app/client.py b/app/client.py\n"
            f"index {t.hexed(7)}..{t.hexed(7)} 100644\n"
            f"--- a/app/client.py\n+++ b/app/client.py\n"
            f"@@ -{t.between(3, 80)},6 +{t.between(3, 80)},6 @@\n"
            f" import os\n \n-{name} = {old}\n"
            f'+{name} = "{value}"\n TIMEOUT = 30\n'
        ),
    )
    t.says("A secret was committed: revoke it and read it from the environment.")


def git_log(t: Trace) -> None:
    """Commits with their authors."""
    lines = []
    for _ in range(t.between(2, 5)):
        w = t.who()
        lines.append(
            f"commit {t.hexed(40)}\nAuthor: {w.name} <{t.email(w)}>\n"
            f"Date:   {t.when('%a %b %d %H:%M:%S %Y +0200')}\n\n"
            f"    {t.pick('Fix rounding of totals', 'Bump the client', 'Add a retry')}\n"
        )
    t.tool("bash", {"command": "git log -n 4"}, "\n".join(lines))
    t.says("The last commits are about rounding.")


def git_blame(t: Trace) -> None:
    """Lines with the addresses of who wrote them."""
    w = t.who()
    t.tool(
        "bash",
        {"command": "git blame -e -L 40,41 app/totals.py"},
        (
            f"{t.hexed(8)} (<{t.email(w)}> {t.when('%Y-%m-%d %H:%M:%S +0100')} 40)     total = sum(line.amount "
            f"for line in lines)"
        ),
    )
    t.says("The line is old.")


def python_client(t: Trace) -> None:
    """A client that is built with a key in the code."""
    name = t.pick("OpenAI", "Anthropic", "Slack", "Stripe", "Telegram", "Discord", "Google", "Hugging Face")
    line = {
        "OpenAI": 'client = OpenAI(api_key="{}")', "Anthropic": 'client = anthropic.Anthropic(api_key="{}")',
        "Slack": 'app = App(token="{}")', "Stripe": 'stripe.api_key = "{}"', "Telegram": 'bot = Bot("{}")',
        "Discord": "client.run('{}')", "Google": "genai.configure(api_key='{}')", "Hugging Face": 'login(token="{}")',
    }[name]  # fmt: skip
    code = f"from app import settings\n\n{line.format(t.key(name))}\n\ndef main() -> None:\n    run(client)\n"
    if t.often():
        t.tool("write_file", {"path": "bot.py", "content": code}, "wrote 1 file")
    else:
        t.user(f"This fails with 401, why?\n\n```python\n{code}```")
    t.says("The key belongs into the environment.")


def javascript_config(t: Trace) -> None:
    """A module of settings in JavaScript."""
    t.tool(
        "read_file",
        {"path": "src/config.ts"},
        (
            f"export const config = {{\n"
            f"  apiBase: 'https://api.{t.site()}',\n"
            f"  {t.pick('apiKey', 'googleMapsKey', 'secretKey')}: '{t.key()}',\n"
            f"  retries: 3,\n  db: {{ user: 'app', password: '{t.password()}' }},\n"
            f"}};\n"
        ),
    )
    t.says("Both secrets end up in the bundle.")


def ci_log(t: Trace) -> None:
    """The log of a pipeline that prints too much."""
    provider = t.pick("npm", "PyPI", "GitLab", "GitHub")
    line = {
        "npm": "//registry.internal/:_authToken={}",
        "PyPI": "TWINE_PASSWORD={}",
        "GitLab": "git clone https://oauth2:{}@git.internal/shop/api.git",
        "GitHub": "+ echo token={}",
    }[provider]
    t.tool(
        "get_job_log",
        {"job": t.num(8)},
        (
            f"$ set -x\n{line.format(t.key(provider))}\n"
            f"Step 4/9 : RUN make build\n"
            f" ---> Running in {t.hexed(12)}\n"
            f"BUILD SUCCESSFUL in {t.between(3, 200)}s\n"
        ),
    )
    t.says("The log shows a token: rotate it.")


def remote_url(t: Trace) -> None:
    """A remote with a token in it."""
    t.tool(
        "bash",
        {"command": "git remote -v"},
        (
            f"origin\thttps://{t.pick('x-access-token', 'ci', 'oauth2')}"
            f":{t.key(t.pick('GitHub', 'GitHub fine-grained', 'GitLab'))}@git.internal/team/shop.git (fetch)"
        ),
    )
    t.says("The remote holds a token.")


def stack_trace_user(t: Trace) -> None:
    """An error that names a user."""
    w = t.who()
    text = t.pick(
        (
            "Traceback (most recent call last):\n"
            '  File "/app/users.py", line 88, in get\n'
            "    raise UserNotFound(email)\n"
            "app.errors.UserNotFound: no user {}"
        ),
        (
            "java.lang.IllegalStateException: duplicate account for {}\n"
            "\tat com.shop.user.UserService.create(UserService.java:142)\n"
            "\tat com.shop.api.UserController.post(UserController.java:57)"
        ),
        (
            'IntegrityError: duplicate key value violates unique constraint "users_email_key"\n'
            "DETAIL:  Key (email)=({}) already exists."
        ),
        (
            "Error: mailbox unavailable: 550 5.1.1 <{}>: Recipient address rejected\n"
            "    at SMTPConnection._formatError (smtp-connection/index.js:790:19)"
        ),
    )
    t.tool("sentry_get_issue", {"issue": f"SHOP-{t.num(4)}"}, text.format(t.email(w)))
    t.says("The account exists already.", "The address is not known.")


def stack_trace_connection(t: Trace) -> None:
    """An error that prints where it could not connect."""
    line = t.pick(
        (
            'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "{}", port '
            "5432 failed: Connection refused"
        ),
        (
            "requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='{}', port=8080): Max retries "
            "exceeded with url: /health"
        ),
        "dial tcp {}:443: i/o timeout",
        "Error: connect ECONNREFUSED {}:6379\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)",
    )
    t.tool("bash", {"command": "make smoke"}, line.format(t.ip(4)))
    t.says("The host refuses the connection.")


def review_comment(t: Trace) -> None:
    """A comment of a review with a token in it."""
    t.tool(
        "get_review_comments",
        {"pr": int(t.num(3))},
        [
            {
                "user": t.who().last.lower(),
                "path": "deploy/run.sh",
                "line": t.between(3, 90),
                "body": f"Please drop {t.key()} from here before we merge, `{t.pick('deploy/run.sh', 'ci.yml')}` is public.",
            }
        ],
    )
    t.says("One comment is open.")


def slack_webhook(t: Trace) -> None:
    """The address of a webhook: its last part is the secret."""
    last = "".join(t.chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=24))
    t.tool(
        "bash",
        {
            "command": (
                f"curl -X POST -H 'Content-type: application/json' --data '{{\"text\":\"deployed\"}}' "
                f"https://hooks.slack.com/services/T0{t.hexed(8).upper()}/B0{t.hexed(9).upper()}"
                f"/{t.secret('Slack webhook', last)}"
            )
        },
        "ok",
    )
    t.says("The channel was told.")


def terraform(t: Trace) -> None:
    """Variables of terraform."""
    t.tool(
        "read_file",
        {"path": "prod.tfvars"},
        (
            f'region       = "eu-west-1"\n'
            f'db_username  = "app"\ndb_password  = "{t.password()}"\n'
            f'{t.pick("github_token", "deploy_token")} = "{t.key("GitHub")}"\n'
            f'instance     = "db.t3.medium"\n'
        ),
    )
    t.says("Two secrets stand in this file.")


def fixture(t: Trace) -> None:
    """Rows for tests that were taken from real data."""
    rows = []
    for _ in range(t.between(1, 4)):
        w = t.who()
        rows.append(
            {
                "model": "shop.customer",
                "pk": int(t.num(4)),
                "fields": {"name": w.name, "email": t.email(w), "phone": t.phone(w.country), "created": t.when()},
            }
        )
    t.tool("read_file", {"path": "fixtures/customers.json"}, json.dumps(rows, indent=2))
    t.says("These look like real customers.")


def notebook(t: Trace) -> None:
    """A cell of a notebook in its own JSON."""
    name, value = t.variable(t.pick("OpenAI", "Anthropic", "Hugging Face", "AWS id", "Google"))
    cell = {
        "cell_type": "code",
        "source": ["import os\n", f'os.environ["{name}"] = "{value}"\n', "df = load()\n"],
        "outputs": [],
        "execution_count": t.between(1, 60),
    }
    t.tool("read_file", {"path": "notebooks/eval.ipynb"}, json.dumps({"cells": [cell], "nbformat": 4}, indent=1))
    t.says("Clear the cell before sharing the notebook.")


def twilio_code(t: Trace) -> None:
    """A client for messages, with its number."""
    t.tool(
        "read_file",
        {"path": "notify/sms.py"},
        (
            f'account_sid = "AC{t.hexed(32)}"\n'
            f'auth_token = "{t.key("Twilio")}"\n'
            f"client = Client(account_sid, auth_token)\n"
            f'client.messages.create(to="{t.phone("US", "international")}", from_=settings.SENDER, body=text)\n'
        ),
    )
    t.says("The token should come from the settings.")


def django_settings(t: Trace) -> None:
    """Settings of a web application."""
    secret = "".join(t.chance.choices("abcdefghijklmnopqrstuvwxyz0123456789!%^&*(-_=+)", k=50))
    t.tool(
        "read_file",
        {"path": "shop/settings.py"},
        (
            f"DEBUG = False\nSECRET_KEY = '{t.secret('secret of an application', secret)}'\n"
            f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.postgresql', 'USER': 'app', 'PASSWORD': "
            f"'{t.password()}', 'HOST': 'db'}}}}\n"
        ),
    )
    t.says("Move both out of the file.")


def pem_in_diff(t: Trace) -> None:
    """A private key that is handed to a tool as an argument."""
    t.tool(
        "create_secret", json.dumps({"name": "deploy-key", "value": t.pem(1)}), {"created": True, "name": "deploy-key"}
    )
    t.says("The key is stored.")


def webhook_secret_env(t: Trace) -> None:
    """Variables handed to a deployment."""
    name, value = t.variable()
    t.tool(
        "deploy",
        {
            "service": t.pick("api", "worker", "web"),
            "env": {name: value, "NODE_ENV": "production"},
            "image": f"registry.internal/api@sha256:{t.hexed(64)}",
        },
        {"deployment": t.uuid(), "state": "rolling"},
    )
    t.says("The rollout began.")


CODE: tuple[Callable[[Trace], None], ...] = (
    git_diff, git_log, git_blame, python_client, javascript_config, ci_log, remote_url, stack_trace_user,
    stack_trace_connection, review_comment, slack_webhook, terraform, fixture, notebook, twilio_code,
    django_settings, pem_in_diff, webhook_secret_env,
)  # fmt: skip
