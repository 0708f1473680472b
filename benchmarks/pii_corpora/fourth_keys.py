"""Made-up secrets for the fourth corpus, in the forms of the common providers, and passwords, tokens and private keys."""

import base64
import json
import random
import string
from collections.abc import Callable

ALNUM = string.ascii_letters + string.digits
WORDS = (
    "Harbor Falcon Winter Maple Orbit Copper Lagoon Tundra Velvet Quartz Meadow Saffron Kestrel Glacier Thistle Pepper"
)


def of(chance: random.Random, size: int, signs: str = ALNUM) -> str:
    """So many signs by chance."""
    return "".join(chance.choices(signs, k=size))


def hexed(chance: random.Random, size: int) -> str:
    """So many hexadecimal digits."""
    return of(chance, size, "0123456789abcdef")


def based(chance: random.Random, size: int, *, url: bool = False) -> str:
    """So many random bytes in base64."""
    raw = chance.randbytes(size)
    return (base64.urlsafe_b64encode(raw).rstrip(b"=") if url else base64.b64encode(raw)).decode()


def _openai(chance: random.Random) -> str:
    if chance.random() < 0.25:
        return f"sk-{of(chance, 20)}T3BlbkFJ{of(chance, 20)}"
    long = ALNUM + "_-"
    head = chance.choice(("sk-proj-", "sk-proj-", "sk-svcacct-"))
    return f"{head}{of(chance, 73, long)}A_T3BlbkFJ{of(chance, 73, long)}A"


def _discord(chance: random.Random) -> str:
    user = base64.b64encode(of(chance, 18, "123456789").encode()).decode()
    return f"{user}.G{of(chance, 5)}.{of(chance, 37, ALNUM + '_-')}x"


# name of the provider: how a key of it looks, and the name of the variable that most often holds it
PROVIDERS: dict[str, tuple[Callable[[random.Random], str], str]] = {
    "OpenAI": (_openai, "OPENAI_API_KEY"),
    "Anthropic": (lambda c: f"sk-ant-api03-{of(c, 92, ALNUM + '_-')}AA", "ANTHROPIC_API_KEY"),
    "AWS id": (lambda c: "AKIA" + of(c, 16, string.ascii_uppercase + "234567"), "AWS_ACCESS_KEY_ID"),
    "AWS secret": (lambda c: of(c, 38, ALNUM + "+/") + of(c, 2), "AWS_SECRET_ACCESS_KEY"),
    "GitHub": (lambda c: c.choice(("ghp_", "ghp_", "gho_", "ghs_")) + of(c, 36), "GITHUB_TOKEN"),
    "GitHub fine-grained": (lambda c: f"github_pat_11{of(c, 20)}_{of(c, 59)}", "GH_TOKEN"),
    "GitLab": (lambda c: "glpat-" + of(c, 20, ALNUM + "_-"), "GITLAB_TOKEN"),
    "Slack": (lambda c: f"xoxb-{of(c, 12, '123456789')}-{of(c, 13, '123456789')}-{of(c, 24)}", "SLACK_BOT_TOKEN"),
    "Stripe": (
        lambda c: c.choice(("sk_live_", "sk_live_", "rk_live_")) + "51" + of(c, c.choice((22, 97))),
        "STRIPE_SECRET_KEY",
    ),
    "Stripe webhook": (lambda c: "whsec_" + of(c, 32), "STRIPE_WEBHOOK_SECRET"),
    "Google": (lambda c: "AIzaSy" + of(c, 33, ALNUM + "_-"), "GOOGLE_API_KEY"),
    "Google client": (lambda c: "GOCSPX-" + of(c, 28, ALNUM + "_-"), "GOOGLE_CLIENT_SECRET"),
    "Azure OpenAI": (lambda c: hexed(c, 32), "AZURE_OPENAI_API_KEY"),
    "Azure client": (lambda c: f"{of(c, 3)}8Q~{of(c, 34, ALNUM + '_-')}", "AZURE_CLIENT_SECRET"),
    "Azure storage": (lambda c: based(c, 64), "AZURE_STORAGE_KEY"),
    "Hugging Face": (lambda c: "hf_" + of(c, 34, string.ascii_letters), "HF_TOKEN"),
    "npm": (lambda c: "npm_" + of(c, 36), "NPM_TOKEN"),
    "PyPI": (lambda c: "pypi-AgEIcHlwaS5vcmc" + of(c, 150, ALNUM + "_-"), "TWINE_PASSWORD"),
    "Twilio": (lambda c: hexed(c, 32), "TWILIO_AUTH_TOKEN"),
    "SendGrid": (lambda c: f"SG.{of(c, 22, ALNUM + '_-')}.{of(c, 43, ALNUM + '_-')}", "SENDGRID_API_KEY"),
    "Telegram": (lambda c: f"{of(c, 10, '123456789')}:AA{of(c, 33, ALNUM + '_-')}", "TELEGRAM_BOT_TOKEN"),
    "Discord": (_discord, "DISCORD_TOKEN"),
}
WITHOUT_PREFIX = ("AWS secret", "Azure OpenAI", "Azure client", "Azure storage", "Twilio")
KNOWN = tuple(name for name in PROVIDERS if name not in WITHOUT_PREFIX)


def password(chance: random.Random, style: str = "") -> tuple[str, str]:
    """The form and a password: words and a number, letters and digits, or (where it is quoted) signs too."""
    style = style or chance.choice(("words", "random", "signs"))
    word, other = chance.sample(WORDS.split(), 2)
    if style == "words":
        number = chance.randrange(10, 2030)
        return "password of words", chance.choice(
            (f"{word}{number}!", f"{word}-{other}-{number}", f"{word.lower()}{other}{number}", f"{word}_{number}")
        )
    if style == "random":
        return "password at random", of(chance, chance.choice((12, 16, 20, 24, 32))) + of(chance, 1, "0123456789")
    core = [*of(chance, 10), *of(chance, 2, "0123456789"), *of(chance, 3, "!#%*+-=?^_~")]
    chance.shuffle(core)
    return "password with signs", of(chance, 1) + "".join(core) + of(chance, 1)


def jwt(chance: random.Random) -> str:
    """A signed token with three parts."""
    header = {"alg": chance.choice(("HS256", "RS256")), "typ": "JWT"}
    if header["alg"] == "RS256":
        header["kid"] = hexed(chance, 16)
    at = chance.randrange(1_690_000_000, 1_760_000_000)
    body = {
        "sub": str(chance.randrange(10**5, 10**8)),
        "scope": chance.choice(("read", "orders:write", "admin")),
        "iat": at,
        "exp": at + 3600,
    }
    parts = (
        base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode()
        for part in (header, body)
    )
    return ".".join((*parts, based(chance, 32 if header["alg"] == "HS256" else 256, url=True)))


def pem(chance: random.Random) -> tuple[str, str]:
    """The form and a block with a private key."""
    name, start, size, width = chance.choice(
        (
            ("RSA PRIVATE KEY", "MIIEpAIBAAKCAQEA", 1170, 64),
            ("PRIVATE KEY", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw", 1180, 64),
            ("EC PRIVATE KEY", "MHcCAQEEI", 112, 64),
            ("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB", 300, 70),
        )
    )
    text = start + based(chance, size)[: size - size % 4 + 3 - len(start) % 4] + "="
    lines = [text[i : i + width] for i in range(0, len(text), width)]
    return f"block {name}", "\n".join((f"-----BEGIN {name}-----", *lines, f"-----END {name}-----"))
