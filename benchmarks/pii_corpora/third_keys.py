"""Keys and passwords for the third corpus, in the forms that the providers and the tools describe, all of them random.

A maker gives the text to write, the secret in it and the form in words. The secret is what must be found: of a URL its
password, of an assignment what is assigned, of a PEM block the whole block.
"""

import base64
import json
import random
import string
import textwrap

from benchmarks.pii_corpora.third_values import Maker

ALNUM = string.ascii_letters + string.digits
SIGNS = {
    "a": ALNUM,
    "u": ALNUM + "-_",
    "x": "0123456789abcdef",
    "d": string.digits,
    "A": string.ascii_uppercase + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "b": ALNUM + "+/",
    "2": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "z": "023456789acdefghjklmnpqrstuvwxyz".upper(),
}


def filled(rng: random.Random, shape: str) -> str:
    """`ab{a12}-{x4}`: 12 letters or digits, then 4 hexadecimal digits."""
    out, rest = "", shape
    while "{" in rest:
        before, _, rest = rest.partition("{")
        inside, _, rest = rest.partition("}")
        out += before + "".join(rng.choices(SIGNS[inside[0]], k=int(inside[1:])))
    return out + rest


def _of(form: str, shape: str) -> Maker:
    def make(rng: random.Random) -> tuple[str, str, str]:
        text = filled(rng, shape)
        return text, text, form

    return make


TOKENS = tuple(
    _of(*entry)
    for entry in (
        ("AWS access key id", "AKIA{216}"),
        ("AWS temporary access key id", "ASIA{216}"),
        ("GitHub personal token", "ghp_{a36}"),
        ("GitHub app token", "ghs_{a36}"),
        ("GitHub OAuth token", "gho_{a36}"),
        ("GitHub fine-grained token", "github_pat_{a22}_{a59}"),
        ("GitLab token", "glpat-{u20}"),
        ("GitLab runner token", "glrt-{u20}"),
        ("OpenAI project key", "sk-proj-{u74}T3BlbkFJ{u74}"),
        ("OpenAI key", "sk-{a20}T3BlbkFJ{a20}"),
        ("OpenAI service key", "sk-svcacct-{u74}T3BlbkFJ{u74}"),
        ("Anthropic key", "sk-ant-api03-{u93}AA"),
        ("OpenRouter key", "sk-or-v1-{x64}"),
        ("Groq key", "gsk_{a52}"),
        ("Replicate token", "r8_{a37}"),
        ("Perplexity key", "pplx-{a48}"),
        ("xAI key", "xai-{a80}"),
        ("Hugging Face token", "hf_{a34}"),
        ("LangSmith key", "lsv2_pt_{x32}_{x10}"),
        ("Google API key", "AIza{u35}"),
        ("Google OAuth client secret", "GOCSPX-{u28}"),
        ("Google access token", "ya29.a0{u140}"),
        ("Slack bot token", "xoxb-{d12}-{d13}-{a24}"),
        ("Slack user token", "xoxp-{d12}-{d12}-{d13}-{x32}"),
        ("Slack app token", "xapp-1-A{A10}-{d13}-{x64}"),
        ("Stripe secret key", "sk_live_{a24}"),
        ("Stripe secret key, long", "sk_live_51{a97}"),
        ("Stripe restricted key", "rk_live_{a24}"),
        ("Stripe webhook secret", "whsec_{a32}"),
        ("Twilio key id", "SK{x32}"),
        ("SendGrid key", "SG.{u22}.{u43}"),
        ("Mailchimp key", "{x32}-us12"),
        ("Brevo key", "xkeysib-{x64}-{a16}"),
        ("Resend key", "re_{a8}_{a24}"),
        ("npm token", "npm_{a36}"),
        ("RubyGems key", "rubygems_{x48}"),
        ("Docker token", "dckr_pat_{u27}"),
        ("DigitalOcean token", "dop_v1_{x64}"),
        ("Shopify token", "shpat_{x32}"),
        ("Square token", "EAAA{u60}"),
        ("Square secret", "sq0csp-{u43}"),
        ("Telegram bot token", "{d10}:AA{u33}"),
        ("New Relic key", "NRAK-{A27}"),
        ("Sentry user token", "sntryu_{x64}"),
        ("Grafana service token", "glsa_{a32}_{x8}"),
        ("Vault token", "hvs.{u92}"),
        ("Terraform Cloud token", "{a14}.atlasv1.{u65}"),
        ("Databricks token", "dapi{x32}"),
        ("Linear key", "lin_api_{a40}"),
        ("Notion token", "ntn_{d11}{a35}"),
        ("Airtable token", "pat{a14}.{x64}"),
        ("Atlassian token", "ATATT3xFfGF0{u171}={x8}"),
        ("Figma token", "figd_{u40}"),
        ("Postman key", "PMAK-{x24}-{x34}"),
        ("Doppler token", "dp.pt.{a43}"),
        ("PlanetScale token", "pscale_tkn_{u43}"),
        ("Supabase token", "sbp_{x40}"),
        ("Heroku key", "HRKU-AA{u58}"),
        ("Pulumi token", "pul-{x40}"),
        ("Tailscale key", "tskey-auth-k{a11}CNTRL-{a32}"),
        ("Buildkite token", "bkua_{x40}"),
        ("Netlify token", "nfp_{a36}"),
        ("Contentful token", "CFPAT-{u43}"),
        ("Duffel token", "duffel_live_{u43}"),
        ("Shippo token", "shippo_live_{x40}"),
        ("Typeform token", "tfp_{u44}_{u14}"),
        ("age key", "AGE-SECRET-KEY-1{z58}"),
        ("Facebook access token", "EAA{u4}ZC{a120}"),
    )
)


WORDS = (
    "Sommer",
    "kaktus",
    "Orion",
    "velvet",
    "Lisboa",
    "tracteur",
    "Pinguin",
    "marmelade",
    "Zamek",
    "gondola",
    "Huracan",
)


def word(rng: random.Random) -> str:
    """A password as people choose one."""
    a, b = rng.sample(WORDS, 2)
    shape = rng.choice(
        ("{a}{n}!", "{a}-{b}-{n}", "{a}#{n}{b}", "{a}_{b}{n}$", "{s}", "{a}{b}{n}", "{a}.{n}?x", "{n}{a}%{b}")
    )
    return shape.format(a=a, b=b, n=rng.randint(11, 2_999), s=strong(rng))


def strong(rng: random.Random) -> str:
    """A password as a manager draws one: 14 to 24 signs, with a letter and a digit."""
    body = "".join(rng.choices(ALNUM + "!#%*+-=?_^~", k=rng.randint(12, 22)))
    return f"{rng.choice(string.ascii_letters)}{body}{rng.randint(0, 9)}"


def opaque(rng: random.Random) -> str:
    return filled(rng, rng.choice(("{x32}", "{x40}", "{a32}", "{a40}", "{u43}", "{x64}", "{a24}", "{b42}==", "{u64}")))


def password(rng: random.Random) -> tuple[str, str, str]:
    value = rng.choice((word, strong))(rng)
    return value, value, "password"


def secret(rng: random.Random) -> tuple[str, str, str]:
    value = opaque(rng)
    return value, value, "opaque secret"


def _line(form: str, shape: str, kind: str) -> Maker:
    """A line that assigns: {} stands for the value. kind: w a word, s a strong one, o opaque, or a shape."""

    def make(rng: random.Random) -> tuple[str, str, str]:
        plain = {"w": word, "s": strong, "o": opaque}
        value = plain[kind](rng) if kind in plain else filled(rng, kind)
        return shape.replace("{}", value), value, form

    return make


ENV = tuple(
    _line("assigned in .env", shape, kind)
    for shape, kind in (
        ("DB_PASSWORD={}", "s"),
        ("POSTGRES_PASSWORD={}", "w"),
        ('SMTP_PASS="{}"', "s"),
        ("SECRET_KEY='{}'", "{a50}"),
        ("JWT_SECRET={}", "o"),
        ("AWS_SECRET_ACCESS_KEY={}", "{b40}"),
        ("DD_API_KEY={}", "{x32}"),
        ("CLOUDFLARE_API_TOKEN={}", "{u40}"),
        ("TWILIO_AUTH_TOKEN={}", "{x32}"),
        ("AZURE_CLIENT_SECRET={}", "{a3}8Q~{u34}"),
        ("ALGOLIA_ADMIN_KEY={}", "{x32}"),
        ("export PGPASSWORD={}", "w"),
        ("export VAULT_TOKEN={}", "hvs.{u90}"),
        ("COHERE_API_KEY={}", "{a40}"),
        ("SESSION_SECRET={}", "{x64}"),
        ("PAYPAL_CLIENT_SECRET={}", "E{u79}"),
    )
)
CODE = tuple(
    _line(form, shape, kind)
    for form, shape, kind in (
        ("assigned in Python", 'password = "{}"', "s"),
        ("assigned in Python", 'API_KEY: str = "{}"', "{a40}"),
        ("assigned in Python", "client = Client(base_url=BASE, api_key='{}')", "{x40}"),
        ("assigned in JavaScript", "const apiSecret = '{}';", "{a32}"),
        ("assigned in JavaScript", 'axios.defaults.headers["X-Api-Key"] = "{}";', "{a40}"),
        ("assigned in Go", 'dbPassword := "{}"', "w"),
        ("assigned in Java", 'private static final String CLIENT_SECRET = "{}";', "{u43}"),
        ("assigned in PHP", "define('DB_PASSWORD', '{}');", "w"),
        ("assigned in Ruby", 'config.secret_key = "{}"', "{x64}"),
        ("assigned in C#", 'var connectionPassword = "{}";', "w"),
        ("assigned in Terraform", '  master_password = "{}"', "s"),
        ("assigned in properties", "spring.datasource.password={}", "w"),
        ("assigned in ini", "requirepass = {}", "s"),
        ("assigned in XML", "<password>{}</password>", "{a14}"),
        ("assigned in a Dockerfile", "ENV ADMIN_PASSWORD={}", "w"),
    )
)
YAML = tuple(
    _line(form, shape, kind)
    for form, shape, kind in (
        ("assigned in YAML", "password: {}", "w"),
        ("assigned in YAML", 'client_secret: "{}"', "{u40}"),
        ("assigned in YAML", "api_key: {}", "{a32}"),
        ("assigned in YAML", "secretAccessKey: {}", "{b40}"),
        ("assigned in YAML", "smtp_password: '{}'", "{a16}"),
        ("assigned in YAML", "webhook_secret: {}", "{x40}"),
        ("base64 in a Kubernetes secret", "password: {}", "{b22}=="),
    )
)
PAIRS = tuple(
    _line("assigned in JSON", shape, kind)
    for shape, kind in (
        ('"password": "{}"', "{a14}"),
        ('"client_secret": "{}"', "{u40}"),
        ('"access_token": "{}"', "{u64}"),
        ('"refresh_token": "{}"', "1//0{u60}"),
        ('"apiKey":"{}"', "{a32}"),
        ('"db_password": "{}"', "{a12}!7"),
        ('"signing_secret": "{}"', "{x40}"),
        ('"authToken": "{}"', "{x40}"),
        ('"SecretAccessKey": "{}"', "{b40}"),
        ('"SessionToken": "{}"', "IQoJb3JpZ2luX2Vj{b200}=="),
    )
)
COMMANDS = tuple(
    _line(form, shape, kind)
    for form, shape, kind in (
        ("password on a command line", "mysql -h db-2.internal -u app -p{} orders", "{a14}"),
        ("password on a command line", "sshpass -p '{}' ssh deploy@10.20.0.8 uptime", "w"),
        ("password on a command line", "curl -s -u svc_export:{} https://intranet.local/api/export", "{a16}"),
        ("password on a command line", "redis-cli -h 10.8.1.4 -a {} info memory", "{a20}"),
        ("password on a command line", "PGPASSWORD={} psql -h 10.0.3.7 -U ledger -c 'select 1'", "{a16}"),
        ("password on a command line", "az login --username ops --password '{}'", "s"),
        ("password on a command line", "htpasswd -bc /etc/nginx/.htpasswd admin {}", "{a12}"),
        ("password on a command line", "./backup.sh --target=/mnt/b --db-password={}", "{a18}"),
        ("password on a command line", "openssl pkcs12 -in keys.p12 -passin pass:{} -nodes", "{a12}"),
        ("key in a header", "curl -H 'X-API-Key: {}' https://api.corvane.io/v2/items", "o"),
        ("key in a header", 'curl -H "Authorization: Bearer {}" https://api.thornquay.eu/me', "{u48}"),
        ("key in a header", 'http GET :8080/admin "Authorization: Token {}"', "{x40}"),
        ("key in a header", "curl -H 'PRIVATE-TOKEN: {}' https://git.local/api/v4/projects", "{u20}"),
        ("key in a URL", "curl 'https://maps.corvane.io/geocode?q=Turin&api_key={}'", "{a32}"),
        ("key in a URL", "wget 'https://files.thornquay.eu/dump.tgz?access_token={}'", "{u43}"),
        ("password of .netrc", "machine git.local login buildbot password {}", "{a16}"),
        ("signature of Azure", "azcopy cp . 'https://st.blob.local/c?sv=2023-11-03&sr=c&sp=rl&sig={}'", "{a43}%3D"),
    )
)
CONNECTIONS = tuple(
    _line(form, shape, kind)
    for form, shape, kind in (
        ("password of a database URL", "postgres://ledger:{}@pg-main.internal:5432/ledger", "{a16}"),
        ("password of a database URL", "postgresql+asyncpg://app:{}@10.4.0.12/app?ssl=require", "{a20}"),
        ("password of a database URL", "mysql://shop:{}@mysql.svc.cluster.local:3306/shop", "{a18}"),
        (
            "password of a database URL",
            "mongodb+srv://reporter:{}@cluster0.k3x9a.corvane.io/events?retryWrites=true",
            "{a16}",
        ),
        ("password of a database URL", "redis://:{}@cache-1.internal:6379/0", "{a32}"),
        ("password of a database URL", "rediss://default:{}@10.9.0.3:6380", "{a24}"),
        ("password of a database URL", "amqp://events:{}@rabbit.internal:5672/prod", "{a16}"),
        ("password of a database URL", "jdbc:postgresql://10.1.2.3:5432/hr?user=hr_app&password={}", "{a14}"),
        ("password of a database URL", "clickhouse://writer:{}@ch.internal:9000/logs", "{a20}"),
        (
            "password of a connection string",
            "Server=tcp:sql-7.internal,1433;Database=crm;User Id=crm;Password={};Encrypt=True;",
            "{a18}",
        ),
        (
            "password of a connection string",
            "host=10.0.0.9 port=5432 dbname=hr user=hr_app password={} sslmode=require",
            "{a18}",
        ),
        (
            "key of an Azure connection",
            "DefaultEndpointsProtocol=https;AccountName=stbackups;AccountKey={};",
            "{b86}==",
        ),
        (
            "key of an Azure connection",
            "Endpoint=sb://bus.corvane.io/;SharedAccessKeyName=Root;SharedAccessKey={}",
            "{b43}=",
        ),
        ("password of an https URL", "https://ci-bot:{}@git.thornquay.eu/platform/api.git", "{a20}"),
        ("password of an sftp URL", "sftp://partner:{}@files.internal:22/in", "{a14}"),
    )
)
HOOKS = tuple(
    _line("webhook URL", shape, kind)
    for shape, kind in (
        ("https://hooks.slack.com/services/T05QK2M8R/B06LZ4W1X/{}", "{a24}"),
        ("https://discord.com/api/webhooks/1183920475610284032/{}", "{u68}"),
        ("https://tallowfield.webhook.office.com/webhookb2/5f1c/IncomingWebhook/{}/9d2e", "{x32}"),
        ("https://hooks.zapier.com/hooks/catch/5820147/{}", "{l8}w7"),
        ("https://api.telegram.org/bot{}/sendMessage", "{d10}:AA{u33}"),
    )
)


def _coded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def jwt(rng: random.Random) -> tuple[str, str, str]:
    head = {"alg": rng.choice(("HS256", "RS256", "ES256")), "typ": "JWT"}
    body = {"sub": str(rng.randint(10**5, 10**9)), "iat": rng.randint(17 * 10**8, 18 * 10**8), "scope": "read:all"}
    value = ".".join(
        (*(_coded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, body)), filled(rng, "{u43}"))
    )
    return value, value, "JSON web token"


def basic(rng: random.Random) -> tuple[str, str, str]:
    value = base64.b64encode(f"svc-{rng.choice(WORDS).lower()}:{strong(rng)}".encode()).decode()
    return f"Authorization: Basic {value}", value, "basic authorization"


def pem(rng: random.Random) -> tuple[str, str, str]:
    name, size = rng.choice((("RSA ", 900), ("EC ", 121), ("OPENSSH ", 300), ("", 1200), ("ENCRYPTED ", 700)))
    label = f"{name}PRIVATE KEY"
    body = base64.b64encode(bytes(rng.randrange(256) for _ in range(size))).decode()
    lines = textwrap.wrap(body, 64)
    value = "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"))
    return value, value, f"PEM, {label.lower()}"
