"""Clean scenes of the fourth corpus from code: names such as token and password whose values are calls, references or nothing."""

from collections.abc import Callable

from benchmarks.pii_corpora.fourth_keys import based
from benchmarks.pii_corpora.fourth_trace import Trace


def token_calls(t: Trace) -> None:
    """Functions that handle tokens."""
    code = t.named(
        t.pick(
            (
                'def current(request):\n    token = request.headers.get("Authorization", "").removeprefix("Bearer '
                '")\n    if not token:\n        raise Unauthorized()\n'
                "    return decode(token, settings.SECRET_KEY)\n"
            ),
            'password = getpass.getpass("Password: ")\nhashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())\n',
            'api_key = os.environ["OPENAI_API_KEY"]\nclient = OpenAI(api_key=api_key)\n',
            (
                "self.token = token\nself.password = password or self._ask_password()\n"
                'self.secret_key = load_secret("orders/api")\n'
            ),
            (
                'access_token = await auth.get_access_token(client_id, scope="read")\n'
                'headers = {"Authorization": f"Bearer {access_token}"}\n'
            ),
            (
                "def login(username: str, password: str, *, otp: str | None = None) -> Token:\n"
                '    """Return a token for the user."""\n'
            ),
        ),
    )
    t.user(f"Review this:\n\n```python\n{code}```", f"Add type hints:\n\n{code}")
    t.says("The token is read from the header; handle the empty case.", "Looks good to me.")


def javascript_env(t: Trace) -> None:
    """Settings that come from outside."""
    t.tool(
        "read_file",
        {"path": "src/config.ts"},
        t.named(
            t.pick(
                (
                    "export const apiKey = process.env.API_KEY ?? '';\n"
                    "export const token = localStorage.getItem('token');\n"
                    "const password = form.password.value;\n"
                ),
                (
                    "const { password, ...rest } = user;\n"
                    "const token: string = jwt.sign(rest, process.env.JWT_SECRET!, { expiresIn: '1h' });\n"
                ),
                (
                    '<input type="password" name="password" autocomplete="current-password" placeholder="Password" />\n'
                    '<input type="email" placeholder="E-mail" />\n'
                    '<input type="tel" name="phone" />\n'
                ),
                "headers: { Authorization: `Bearer ${session.accessToken}`, 'X-Api-Key': import.meta.env.VITE_API_KEY },\n",
            ),
        ),
    )
    t.says("The values come from the environment.")


def diff(t: Trace) -> None:
    """A difference without a secret."""
    t.tool(
        "git_diff",
        {"ref": t.hexed(7)},
        (
            f"diff --git a/app/totals.py b/app/totals.py\n"
            f"index {t.hexed(7)}..{t.hexed(7)} 100644\n"
            f"--- a/app/totals.py\n+++ b/app/totals.py\n"
            f"@@ -{t.num(2)},7 +{t.num(2)},7 @@ def total(lines):\n"
            f"-    return sum(line.amount for line in lines)\n"
            f'+    return sum((line.amount for line in lines), Decimal("0.00"))\n'
            f'-API_KEY = ""\n+API_KEY = env("API_KEY", default=None)\n'
        ),
    )
    t.says("The change is right.")


def history(t: Trace) -> None:
    """Commits in short."""
    t.tool(
        "bash",
        {"command": "git log --oneline"},
        "\n".join(
            (
                f"{t.hexed(7)} "
                f"{t.pick('Fix rounding', 'Rotate token on logout', 'Bump to 2.14.1', 'Mask phone numbers', 'Add password strength meter')}"
                f" (#{t.num(4)})"
            )
            for _ in range(t.between(3, 9))
        ),
    )
    t.says("The last change is about rounding.")


def error(t: Trace) -> None:
    """An error with its lines."""
    t.tool(
        "bash",
        {"command": "pytest -q"},
        t.pick(
            (
                f"Traceback (most recent call last):\n"
                f'  File "/app/shop/totals.py", line {t.num(3)}, in total\n'
                f"    return Decimal(value)\n"
                f"decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]\n"
            ),
            (
                f'java.lang.NullPointerException: Cannot invoke "Token.value()" because "token" is null\n'
                f"\tat com.shop.auth.Filter.run(Filter.java:{t.num(3)})\n"
                f"\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
            ),
            (
                f"TypeError: Cannot read properties of undefined (reading 'password')\n"
                f"    at login (/srv/app/dist/auth.js:{t.num(3)}:{t.num(2)})\n"
                f"    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
            ),
            (
                f"panic: runtime error: index out of range [{t.num(1)}] with length {t.num(1)}\n\n"
                f"goroutine {t.num(3)} [running]:\n"
                f"main.main()\n\t/src/main.go:{t.num(2)} +0x{t.hexed(3)}\n"
                f"exit status 2 (0x{t.hexed(12)})\n"
            ),
        ),
    )
    t.says("A value is empty where a number was expected.")


def patterns(t: Trace) -> None:
    """Patterns that describe personal data."""
    at = t.pick("", f"validators.py:{t.num(3)} ", f"Line {t.num(2)}: ")
    t.user(
        at
        + t.pick(
            r'Is this right for addresses? EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")',
            r"phone: /^\+?[0-9 ()-]{7,20}$/ - too loose?",
            r"What does ^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14})$ match?",
            r'IBAN_RE = r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$" fails on blanks',
            r"Explain (\d{1,3}\.){3}\d{1,3}",
        )
    )
    t.says(
        "It is looser than the standard but will do for a form.",
        "It matches the shape alone, not whether the number is right.",
    )


def schema(t: Trace) -> None:
    """A table and its columns."""
    t.tool(
        "describe_table",
        {"table": t.pick("users", "accounts")},
        t.named(
            t.pick(
                (
                    "CREATE TABLE users (\n  id bigserial PRIMARY KEY,\n"
                    "  email varchar(254) NOT NULL UNIQUE,\n"
                    "  phone varchar(32),\n  password_hash char(60) NOT NULL,\n"
                    "  api_token uuid DEFAULT gen_random_uuid(),\n"
                    "  last_ip inet\n);"
                ),
                (
                    "     Column      |  Type  | Nullable\n"
                    "-----------------+--------+---------\n"
                    " id              | bigint | not null\n"
                    " email           | text   | not null\n"
                    " phone_number    | text   |\n"
                    " password        | text   | not null\n"
                    " iban            | text   |\n"
                ),
                (
                    "class User(Base):\n    email: Mapped[str] = mapped_column(unique=True)\n"
                    "    password: Mapped[str]\n"
                    "    phone: Mapped[str | None]\n"
                    "    token: Mapped[UUID] = mapped_column(default=uuid4)\n"
                ),
            ),
        ),
    )
    t.says("The column for the phone may be empty.")


def api_description(t: Trace) -> None:
    """A description of an interface."""
    t.tool(
        "read_file",
        {"path": "openapi.yaml"},
        (
            f"openapi: 3.1.0\ninfo: {{title: Orders, version: {t.between(1, 9)}.{t.between(0, 20)}.0}}\n"
            f"components:\n  securitySchemes:\n"
            f"    apiKey: {{type: apiKey, in: header, name: X-API-Key}}\n"
            f"  schemas:\n    Login:\n      properties:\n"
            f"        email: {{type: string, format: email}}\n"
            f"        password: {{type: string, format: password, minLength: 12}}\n"
            f"        phone: {{type: string, pattern: '^\\+[0-9]{{8,15}}$'}}\n"
        ),
    )
    t.says("The scheme asks for a key in the header.")


def pipeline(t: Trace) -> None:
    """A pipeline that refers to secrets."""
    t.tool(
        "read_file",
        {"path": ".github/workflows/ci.yml"},
        (
            f"jobs:\n  build:\n    runs-on: ubuntu-24.04\n"
            f"    steps:\n      - uses: actions/checkout@v4\n"
            f"      - uses: docker/login-action@{t.hexed(40)}\n"
            f"        with:\n          username: ci\n"
            f"          password: ${{{{ secrets.REGISTRY_PASSWORD }}}}\n"
            f"      - run: make publish\n"
            f"        env:\n          NPM_TOKEN: ${{{{ secrets.NPM_TOKEN }}}}\n"
            f"          GH_TOKEN: ${{{{ github.token }}}}\n"
        ),
    )
    t.says("The pipeline takes its secrets from the settings.")


def readme(t: Trace) -> None:
    """How to begin, with holes for keys."""
    t.user("How do I configure the client?", "Wie richte ich den Client ein?")
    t.says(
        t.named(
            t.pick(
                (
                    "Set the key first:\n\n```bash\n"
                    'export OPENAI_API_KEY="sk-..."\n'
                    "export GITHUB_TOKEN=<your-token>\n"
                    'curl -H "Authorization: Bearer $OPENAI_API_KEY" http://localhost:8000/v1/models\n'
                    "```"
                ),
                '```python\nclient = Client(api_key="YOUR_API_KEY", password="<password>")\n```',
                "Add `api_key: ${API_KEY}` to `settings.yaml`; never write the key itself.",
                (
                    "Run `aws configure` and enter `AKIAXXXXXXXXXXXXXXXX` and your secret when asked; the password "
                    "prompt stays empty."
                ),
                "`psql postgresql://$DB_USER:$DB_PASSWORD@localhost/shop` or `mysql -u root -p`, it asks for the password.",
            ),
        )
    )


def picture(t: Trace) -> None:
    """A picture as text."""
    t.tool(
        "screenshot",
        {"page": "/orders"},
        t.pick(
            f"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{based(t.chance, t.between(200, 1200))}",
            f'<img alt="chart" src="data:image/jpeg;base64,/9j/4AAQSkZJRg{based(t.chance, t.between(200, 900))}" />',
        ),
    )
    t.says("The table is cut off at the right.")


def vectors(t: Trace) -> None:
    """Long rows of numbers."""
    t.tool(
        "embed",
        {"text": "order late"},
        {
            "embedding": [round(t.chance.uniform(-1, 1), t.between(5, 17)) for _ in range(t.between(8, 40))],
            "dim": 1536,
            "norm": 1.0,
        },
    )
    t.says("The vectors are close.")


def identifiers(t: Trace) -> None:
    """Lists of ids."""
    made = t.chance.choice(
        (t.uuid, lambda: t.hexed(24), lambda: "01" + t.hexed(24).upper(), lambda: t.num(18), lambda: t.num(16))
    )
    name = t.pick("ids", "message_ids", "orderIds", "snowflakes", "jobs")
    t.tool("list_ids", {"kind": name}, {name: [made() for _ in range(t.between(2, 9))], "total": t.between(10, 9999)})
    t.says("The list is complete.")


def tests_output(t: Trace) -> None:
    """What tests print."""
    t.tool(
        "bash",
        {"command": "pytest tests -q"},
        (
            f"tests/test_auth.py::test_password_reset PASSED\n"
            f"tests/test_auth.py::test_token_expired PASSED\n"
            f"tests/test_iban.py::test_rejects_wrong_checksum FAILED\n\n"
            f"{t.between(1, 900)} passed, 1 failed in {t.price(90)}s (seed={t.num(10)})\n"
            f"Coverage: {t.between(60, 99)}.{t.num(2)} %\n"
        ),
    )
    t.says("One test fails.")


def comments(t: Trace) -> None:
    """Comments of a review."""
    t.tool(
        "get_review_comments",
        {"pr": int(t.num(4))},
        [
            {
                "id": int(t.num(10)),
                "path": "app/auth.py",
                "line": t.between(1, 300),
                "body": t.pick(
                    "Do not log the token here.",
                    "password should be a SecretStr",
                    "Use secrets.token_urlsafe(32) instead of uuid4().",
                    "s/api_key/api_key_ref/, it is only the name",
                    "The phone field needs a pattern, see @handler above.",
                ),
                "commit_id": t.hexed(40),
            }
            for _ in range(t.between(1, 4))
        ],
    )
    t.says("The comments are about names.")


def ranges(t: Trace) -> None:
    """Numbers in prose."""
    t.user(
        (
            f"Between {t.between(1990, 2010)} and {t.between(2011, 2025)} output rose from {t.between(1, 99)},"
            f"{t.num(3)},{t.num(3)} to {t.between(100, 999)},{t.num(3)},{t.num(3)} tonnes "
            f"(+{t.between(1, 99)}.{t.num(1)} %). Summarise chapter "
            f"{t.between(1, 9)}.{t.between(1, 9)}.{t.between(1, 9)}."
        ),
        f"Wie viel sind {t.num(3)} {t.num(3)} {t.num(3)} Sekunden in Tagen?",
        f"Is {t.num(11)} prime?",
        f"Convert {t.num(10)} bytes to GB.",
        (
            f"Summarise sections 3.{t.between(1, 9)} to 4.{t.between(1, 9)} of the tender "
            f"{t.between(2023, 2026)}/S {t.num(3)}-{t.num(6)}."
        ),
    )
    t.says(f"About {t.between(2, 99)} times as much.", "I worked it out with the calculator.")


def docstrings(t: Trace) -> None:
    """A call with arguments that are names."""
    t.tool(
        "write_file",
        {
            "path": "app/client.py",
            "content": t.named(
                t.pick(
                    (
                        'class Client:\n    def __init__(self, base_url: str, token: str = "", password: str | None = '
                        'None):\n        self._token = token or os.getenv("TOKEN")\n'
                    ),
                    (
                        'TOKEN_URL = "https://auth.internal/oauth/token"\n'
                        'PASSWORD_FIELD = "password"\n'
                        'TOKEN_TTL = 3600\nsecret_name = "orders/db/password"\n'
                    ),
                    (
                        'parser.add_argument("--password", default=None, help="read from stdin if missing")\n'
                        'parser.add_argument("--api-key", default=os.environ.get("API_KEY"))\n'
                    ),
                    (
                        '@app.route("/token")\n@limiter.limit("5/minute")\n'
                        "def token():\n    return jsonify(access_token=create_access_token(identity=user.id), "
                        'token_type="bearer")\n'
                    ),
                ),
            ),
        },
        "wrote 1 file",
    )
    t.says("The file is written.")


CODE_CLEAN: tuple[Callable[[Trace], None], ...] = (
    token_calls, javascript_env, diff, history, error, patterns, schema, api_description, pipeline, readme,
    picture, vectors, identifiers, tests_output, comments, ranges, docstrings,
)  # fmt: skip
