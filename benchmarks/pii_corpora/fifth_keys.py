"""Made-up secrets of the fifth corpus, in the forms their issuers publish."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

import base64
import json
import random
import string
import zlib
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.pii_corpora.fifth_values import B62, chars

HEX = "0123456789abcdef"
URL = B62 + "-_"
B64 = B62 + "+/"
UPPER = string.ascii_uppercase + string.digits


class Issued(NamedTuple):
    who: str
    env: str
    host: str
    make: Callable[[random.Random], str]


def _random(prefix: str, alphabet: str, length: int, end: str = "") -> Callable[[random.Random], str]:
    return lambda rng: prefix + chars(rng, alphabet, length) + end


def _checked(prefix: str) -> Callable[[random.Random], str]:
    """Thirty characters and their checksum in six, as these issuers write it."""

    def make(rng: random.Random) -> str:
        body = chars(rng, B62, 30)
        rest, sign = zlib.crc32(body.encode()), string.digits + string.ascii_uppercase + string.ascii_lowercase
        check = ""
        for _ in range(6):
            rest, at = divmod(rest, 62)
            check = sign[at] + check
        return prefix + body + check

    return make


def uuid(rng: random.Random) -> str:
    return "-".join(chars(rng, HEX, size) for size in (8, 4, 4, 4, 12))


def _openai(rng: random.Random) -> str:
    return f"sk-proj-{chars(rng, URL, 74)}T3BlbkFJ{chars(rng, URL, 74)}"


def _discord(rng: random.Random) -> str:
    head = base64.b64encode(chars(rng, "123456789", 18).encode()).decode().rstrip("=")
    return f"{head}.G{chars(rng, URL, 5)}.{chars(rng, URL, 38)}"


def _slack(rng: random.Random) -> str:
    return f"xoxb-{chars(rng, '123456789', 12)}-{chars(rng, '123456789', 13)}-{chars(rng, B62, 24)}"


ISSUED = (
    Issued("GitHub", "GITHUB_TOKEN", "api.github.com/user/repos", _checked("ghp_")),
    Issued("GitHub", "GH_TOKEN", "api.github.com/orgs", lambda r: f"github_pat_11{chars(r, UPPER, 20)}_{chars(r, B62, 59)}"),
    Issued("GitHub app", "GH_APP_TOKEN", "api.github.com/installation/repositories", _checked("ghs_")),
    Issued("GitLab", "GITLAB_TOKEN", "gitlab.com/api/v4/projects", _random("glpat-", URL, 20)),
    Issued("OpenAI", "OPENAI_API_KEY", "api.openai.com/v1/models", _openai),
    Issued("Anthropic", "ANTHROPIC_API_KEY", "api.anthropic.com/v1/messages", _random("sk-ant-api03-", URL, 93, "AA")),
    Issued("Google", "GOOGLE_API_KEY", "maps.googleapis.com/maps/api/geocode/json", _random("AIza", URL, 35)),
    Issued("Hugging Face", "HF_TOKEN", "huggingface.co/api/whoami-v2", _random("hf_", string.ascii_letters, 34)),
    Issued("Groq", "GROQ_API_KEY", "api.groq.com/openai/v1/models", _random("gsk_", B62, 52)),
    Issued("Replicate", "REPLICATE_API_TOKEN", "api.replicate.com/v1/predictions", _random("r8_", B62, 37)),
    Issued("Mistral", "MISTRAL_API_KEY", "api.mistral.ai/v1/models", _random("", B62, 32)),
    Issued("Stripe", "STRIPE_SECRET_KEY", "api.stripe.com/v1/charges", _random("sk_live_51", B62, 97)),
    Issued("Stripe", "STRIPE_API_KEY", "api.stripe.com/v1/customers", _random("sk_test_", B62, 24)),
    Issued("Stripe", "STRIPE_RESTRICTED_KEY", "api.stripe.com/v1/refunds", _random("rk_live_", B62, 24)),
    Issued("Stripe webhook", "STRIPE_WEBHOOK_SECRET", "api.stripe.com/v1/webhook_endpoints", _random("whsec_", B62, 32)),
    Issued("Slack", "SLACK_BOT_TOKEN", "slack.com/api/chat.postMessage", _slack),
    Issued("SendGrid", "SENDGRID_API_KEY", "api.sendgrid.com/v3/mail/send", lambda r: f"SG.{chars(r, URL, 22)}.{chars(r, URL, 43)}"),
    Issued("Mailgun", "MAILGUN_API_KEY", "api.mailgun.net/v3/domains", _random("key-", HEX, 32)),
    Issued("Mailchimp", "MAILCHIMP_API_KEY", "us14.api.mailchimp.com/3.0/lists", _random("", HEX, 32, "-us14")),
    Issued("Postmark", "POSTMARK_SERVER_TOKEN", "api.postmarkapp.com/email", uuid),
    Issued("Twilio", "TWILIO_AUTH_TOKEN", "api.twilio.com/2010-04-01/Accounts.json", _random("", HEX, 32)),
    Issued("DigitalOcean", "DIGITALOCEAN_TOKEN", "api.digitalocean.com/v2/droplets", _random("dop_v1_", HEX, 64)),
    Issued("Cloudflare", "CLOUDFLARE_API_TOKEN", "api.cloudflare.com/client/v4/zones", _random("", URL, 40)),
    Issued("Datadog", "DD_API_KEY", "api.datadoghq.eu/api/v1/validate", _random("", HEX, 32)),
    Issued("New Relic", "NEW_RELIC_API_KEY", "api.newrelic.com/graphql", _random("NRAK-", UPPER, 27)),
    Issued("Grafana", "GRAFANA_TOKEN", "grafana.com/api/instances", lambda r: f"glsa_{chars(r, B62, 32)}_{chars(r, HEX, 8)}"),
    Issued("npm", "NPM_TOKEN", "packages.brackwell.dev/-/whoami", _checked("npm_")),
    Issued("PyPI", "PYPI_TOKEN", "upload.brackwell.dev/legacy/", lambda r: f"pypi-AgEIcHlwaS5vcmc{chars(r, URL, r.randint(130, 160))}"),
    Issued("Docker Hub", "DOCKERHUB_TOKEN", "hub.docker.com/v2/users/login", _random("dckr_pat_", URL, 27)),
    Issued("Shopify", "SHOPIFY_ACCESS_TOKEN", "admin.shopify.com/api/2025-01/orders.json", _random("shpat_", HEX, 32)),
    Issued("Notion", "NOTION_TOKEN", "api.notion.com/v1/users", _random("ntn_", B62, 46)),
    Issued("Linear", "LINEAR_API_KEY", "api.linear.app/graphql", _random("lin_api_", B62, 40)),
    Issued("Airtable", "AIRTABLE_PAT", "api.airtable.com/v0/meta/bases", lambda r: f"pat{chars(r, B62, 14)}.{chars(r, HEX, 64)}"),
    Issued("HubSpot", "HUBSPOT_TOKEN", "api.hubapi.com/crm/v3/objects/contacts", lambda r: f"pat-eu1-{uuid(r)}"),
    Issued("Vault", "VAULT_TOKEN", "vault.service.consul:8200/v1/sys/health", _random("hvs.", URL, 90)),
    Issued("Terraform Cloud", "TF_TOKEN_app_terraform_io", "app.terraform.io/api/v2/organizations", lambda r: f"{chars(r, B62, 14)}.atlasv1.{chars(r, B62, 67)}"),
    Issued("Databricks", "DATABRICKS_TOKEN", "adb-41.azuredatabricks.net/api/2.0/clusters/list", _random("dapi", HEX, 32)),
    Issued("Supabase", "SUPABASE_ACCESS_TOKEN", "api.supabase.com/v1/projects", _random("sbp_", HEX, 40)),
    Issued("Discord", "DISCORD_TOKEN", "discord.com/api/v10/users/@me", _discord),
    Issued("Telegram", "TELEGRAM_BOT_TOKEN", "api.telegram.org/getMe", lambda r: f"{r.randint(10**9, 8 * 10**9)}:AA{chars(r, URL, 33)}"),
    Issued("Atlassian", "JIRA_API_TOKEN", "jira.atlassian.com/rest/api/3/myself", lambda r: f"ATATT3xFfGF0{chars(r, URL, 171)}={chars(r, UPPER[:6] + '23456789', 8)}"),
    Issued("Sentry", "SENTRY_AUTH_TOKEN", "sentry.io/api/0/projects/", _random("sntryu_", HEX, 64)),
    Issued("Figma", "FIGMA_TOKEN", "api.figma.com/v1/me", _random("figd_", URL, 40)),
    Issued("Azure", "AZURE_CLIENT_SECRET", "login.microsoftonline.com/oauth2/v2.0/token", lambda r: f"{chars(r, B62, 3)}8Q~{chars(r, URL, 34)}"),
    Issued("an in-house service", "INTERNAL_API_KEY", "gateway.corp.internal/v1/orders", _random("", B62, 40)),
    Issued("Tailscale", "TS_AUTHKEY", "api.tailscale.com/api/v2/tailnet/-/devices", lambda r: f"tskey-auth-k{chars(r, B62, 11)}CNTRL-{chars(r, B62, 32)}"),
)  # fmt: skip
COMMON = {
    "GITHUB_TOKEN",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "SLACK_BOT_TOKEN",
    "STRIPE_SECRET_KEY",
    "GOOGLE_API_KEY",
}


def issued(rng: random.Random) -> tuple[Issued, str]:
    one = rng.choices(ISSUED, [4 if one.env in COMMON else 1 for one in ISSUED])[0]
    return one, one.make(rng)


def aws_id(rng: random.Random, prefix: str = "AKIA") -> str:
    return prefix + chars(rng, string.ascii_uppercase + "234567", 16)


def aws_secret(rng: random.Random) -> str:
    return chars(rng, B64, 40)


def aws_session(rng: random.Random) -> str:
    return "IQoJb3JpZ2luX2Vj" + chars(rng, B64, 320) + "=="


def part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def jwt(rng: random.Random) -> str:
    head = rng.choice(({"alg": "HS256", "typ": "JWT"}, {"alg": "RS256", "typ": "JWT", "kid": chars(rng, HEX, 16)}))
    now = rng.randint(1760000000, 1790000000)
    body: dict[str, object] = {
        "iss": "https://login.internal/",
        "sub": chars(rng, B62, 20),
        "iat": now,
        "exp": now + 3600,
    }
    if rng.random() < 0.5:
        body |= {"scope": "orders:read orders:write", "role": rng.choice(("service_role", "admin", "member"))}
    return f"{part(head)}.{part(body)}.{chars(rng, URL, 43 if head['alg'] == 'HS256' else 342)}"


def _lines(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def private_key(rng: random.Random, sort: str = "") -> str:
    sort = sort or rng.choice(("RSA ", "EC ", "", "OPENSSH "))
    start, size = {"RSA ": ("MIIE", 796), "EC ": ("MHcCAQEE", 152), "": ("MIIEv", 795)}.get(sort, ("", 0))
    if sort == "OPENSSH ":
        body = _lines(
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW" + chars(rng, B64, 206) + "==", 70
        )
    else:
        body = _lines(start + chars(rng, B64, size) + "==", 64)
    return f"-----BEGIN {sort}PRIVATE KEY-----\n{body}\n-----END {sort}PRIVATE KEY-----"


def pgp_key(rng: random.Random) -> str:
    body = _lines("lQPGB" + chars(rng, B64, 443), 64)
    end = "PGP PRIVATE KEY BLOCK-----"
    return f"-----BEGIN {end}\n\n{body}\n={chars(rng, B64, 4)}\n-----END {end}"


WORDS = [
    "Sommer",
    "Autumn",
    "Harbor",
    "Krokus",
    "Falcon",
    "Lavoro",
    "Marzec",
    "Picanha",
    "Guitare",
    "Wolke",
    "Tiger",
    "Maple",
    "Copper",
    "Orbit",
    "Nieve",
    "Fjord",
]


def password(rng: random.Random) -> str:
    """As people choose them, and as managers make them."""
    word, other = rng.sample(WORDS, 2)
    return rng.choice(
        (
            f"{word}{rng.randint(2019, 2026)}{rng.choice('!#?')}",
            f"{word}-{other}-{rng.randint(10, 99)}{chars(rng, B62, 2)}",
            f"{word.lower()}{rng.choice('._')}{other.lower()}{rng.randint(100, 999)}",
            word.replace("o", "0").replace("a", "@").replace("i", "1") + f"_{chars(rng, B62, 4)}!",
            chars(rng, B62, 12) + rng.choice("!#%*") + chars(rng, B62, 3),
            chars(rng, B62 + "!#*-_+=", 18) + "q7",
            chars(rng, B62, rng.choice((16, 20, 24, 32))),
            f"{chars(rng, string.ascii_lowercase, 6)}-{chars(rng, B62, 6)}-{chars(rng, B62, 6)}",
        )
    )


def url_password(rng: random.Random) -> str:
    """As it may stand in a URL."""
    word = rng.choice(WORDS)
    return rng.choice(
        (
            chars(rng, B62, rng.choice((12, 16, 24, 32))),
            f"{word}{rng.randint(2019, 2026)}{chars(rng, B62, 3)}",
            f"{word.lower()}%40{rng.randint(1000, 9999)}",
            f"{chars(rng, B62, 8)}%23{chars(rng, B62, 5)}",
            f"{chars(rng, URL, 20)}x",
            f"{word}!{rng.randint(1000, 9999)}",
            chars(rng, HEX, 32),
        )
    )
