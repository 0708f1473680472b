"""Scenes of the fifth corpus that hold nothing personal: code, builds, repositories, configuration by reference."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

import base64

from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.fifth_values import B62, chars


def lockfile(s: Sheet) -> None:
    text = ""
    for name in s.r.sample(("left-pad", "@babel/core", "lodash", "vite", "@types/node"), 3):
        version = f"{s.num(0, 20)}.{s.num(0, 30)}.{s.num(0, 9)}"
        text += f'    "node_modules/{name}": {{\n      "version": "{version}",\n      "integrity": "sha512-{chars(s.r, B62 + "+/", 86)}=="\n    }},\n'
    s.shell("git diff package-lock.json | head -20", text)
    s.say("Three packages moved: " + "lodash@4.17.21 and others.")


def yarn(s: Sheet) -> None:
    text = f'"@babel/helper@^7.2{s.num(0, 9)}.0":\n  version "7.27.1"\n  resolved "https://packages.brackwell.dev/@babel/helper/-/helper-7.27.1.tgz#{s.hex(40)}"\n  integrity sha1-{chars(s.r, B62, 27)}=\n'
    s.read("yarn.lock", text)
    s.say("One entry for @babel/helper@^7.2.")


def images(s: Sheet) -> None:
    text = f"REPOSITORY  TAG     DIGEST                                                                    IMAGE ID\napi         2.1.{s.num(0, 9)}   sha256:{s.hex(64)}   {s.hex(12)}\n"
    s.shell("docker images --digests", text)
    s.shell(
        "docker pull redis:7",
        f"7: Pulling from library/redis\n{s.hex(12)}: Pull complete\nDigest: sha256:{s.hex(64)}\nStatus: Downloaded newer image\n",
    )
    s.say("Pulled; pin it as redis@sha256 with the digest above.")


def shas(s: Sheet) -> None:
    text = "".join(
        f"{s.hex(40)} {s.pick('Fix rounding', 'Bump version', 'Drop old flag')} (#{s.num(100, 9999)})\n"
        for _ in range(5)
    )
    s.shell("git log --format='%H %s' -5", text)
    s.shell(
        "git remote -v",
        "origin\tgit@github.com:tessaly/shop.git (fetch)\norigin\tgit@github.com:tessaly/shop.git (push)\n",
    )
    s.say("Five commits.")


def env_example(s: Sheet) -> None:
    text = (
        f"# copy to .env\nDATABASE_URL=postgres://user:{s.pick('<password>', '${DB_PASSWORD}', 'changeme', 'PASSWORD')}@localhost:5432/app\n"
        f"OPENAI_API_KEY={s.pick('sk-...', 'sk-your-key-here', '<your-api-key>', 'sk-xxxxxxxxxxxxxxxxxxxxxxxx')}\nSTRIPE_SECRET_KEY={s.pick('sk_test_...', 'sk_live_xxx', '')}\n"
        f"AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY={s.pick('', 'YOUR_SECRET', '********')}\nSLACK_BOT_TOKEN=xoxb-your-token\nJWT_SECRET={s.pick('change-me', 'changeme', 'REPLACE_ME')}\n"
    )
    s.read(".env.example", text)
    s.say("Copy the file and fill in your own values.")


def workflow(s: Sheet) -> None:
    text = (
        "jobs:\n  release:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4.2.2\n      - run: npm publish\n        env:\n"
        "          NODE_AUTH_TOKEN: ${{ secrets.NPM_TOKEN }}\n          GH_TOKEN: ${{ github.token }}\n      - uses: docker/login-action@v3\n"
        "        with:\n          username: ci\n          password: ${{ secrets.REGISTRY_PASSWORD }}\n"
    )
    s.read(".github/workflows/release.yml", text)
    s.say("The secrets come from the repository's settings.")


def refs(s: Sheet) -> None:
    text = (
        f"env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: shop-db\n        key: password\n  - name: API_KEY\n    value: {s.pick('vault:secret/data/shop#api_key', 'op://prod/shop/api-key', 'ref+awssecrets://shop/api', 'sm://tess/api-key')}\n"
        f"secretArn: arn:aws:secretsmanager:eu-west-1:{s.digits(12)}:secret:shop/db-{chars(s.r, B62, 6)}\n"
    )
    s.shell("kubectl get deploy shop -o yaml | grep -A8 env", text)
    s.say("Nothing is written in the clear.")


def password_code(s: Sheet) -> None:
    text = s.pick(
        'def check(password: str) -> bool:\n    if password == "":\n        raise ValueError("password must not be empty")\n    return hmac.compare_digest(hash_password(password), stored)\n',
        'password = os.environ["DB_PASSWORD"]\ntoken = getpass.getpass("Token: ")\napi_key = settings.API_KEY or config.get("api_key")\nclient = Client(api_key=api_key, password=password)\n',
        'const token = req.headers.authorization?.split(" ")[1];\nif (!token) return res.status(401).json({ error: "missing token" });\nconst secret = process.env.JWT_SECRET!;\njwt.verify(token, secret);\n',
        "class LoginForm(forms.Form):\n    username = forms.CharField()\n    password = forms.CharField(widget=forms.PasswordInput)\n    password_confirm = forms.CharField(required=True)\n",
        'String password = request.getParameter("password");\nif (password == null || password.length() < MIN_PASSWORD_LENGTH) throw new BadCredentialsException("Bad credentials");\n',
    )
    s.user("Explain this piece")
    s.read("auth", text)
    s.say("It takes the password from outside and never prints it.")


def i18n(s: Sheet) -> None:
    text = '{\n  "login.email.label": "E-Mail-Adresse",\n  "login.password.label": "Passwort",\n  "login.password.placeholder": "Ihr Passwort",\n  "reset.token.invalid": "Der Link ist abgelaufen",\n  "card.number": "Kartennummer",\n  "iban": "IBAN",\n  "phone": "Telefonnummer"\n}\n'
    s.read("locales/de.json", text)
    s.user("add French")
    s.say(
        '"login.password.label": "Mot de passe", "iban": "IBAN", "phone": "Téléphone", "card.number": "Numéro de carte"'
    )


def public_keys(s: Sheet) -> None:
    s.shell(
        "cat ~/.ssh/id_ed25519.pub",
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{chars(s.r, B62 + '+/', 43)} deploy@build{s.num(1, 9)}\n",
    )
    lines = "\n".join(chars(s.r, B62 + "+/", 64) for _ in range(4))
    s.shell(
        "openssl rsa -in k.pem -pubout",
        f"writing RSA key\n-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n",
    )
    s.say("The public half can be handed out.")


def certificate(s: Sheet) -> None:
    prints = ":".join(s.hex(2).upper() for _ in range(32))
    s.shell(
        "openssl x509 -noout -fingerprint -serial -in c.pem",
        f"sha256 Fingerprint={prints}\nserial={s.hex(32).upper()}\n",
    )
    lines = "\n".join(["MIID" + chars(s.r, B62 + "+/", 60), *(chars(s.r, B62 + "+/", 64) for _ in range(6))])
    s.read("c.pem", f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    s.say("A certificate, valid for a year.")


def picture(s: Sheet) -> None:
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + s.r.randbytes(s.num(300, 700))).decode()
    s.tool(
        "screenshot",
        {"selector": "#chart"},
        s.pick(f"data:image/png;base64,{data}", s.json({"mime": "image/png", "data": data})),
    )
    s.say("The chart is drawn, its legend is cut off.")


def migration(s: Sheet) -> None:
    text = "CREATE TABLE users (\n  id bigint PRIMARY KEY,\n  email varchar(254) NOT NULL UNIQUE,\n  password_hash varchar(255),\n  api_token uuid DEFAULT gen_random_uuid(),\n  phone varchar(20),\n  last_ip inet,\n  iban char(34)\n);\nCREATE INDEX users_token_key ON users (api_token);\n"
    s.read("migrations/0007_users.sql", text)
    s.say("The table has eight columns; email is unique.")


def tests_pass(s: Sheet) -> None:
    text = f"tests/test_auth.py::test_password_reset PASSED\ntests/test_auth.py::test_token_expired PASSED\ntests/test_api_key.py::test_rotate FAILED\nE   assert 401 == 200\n\n{s.num(10, 400)} passed, 1 failed in {s.num(1, 90)}.{s.num(10, 99)}s\n"
    s.shell("pytest -v tests/test_auth.py", text)
    s.say("The rotation of keys fails.")


def versions(s: Sheet) -> None:
    text = (
        f"Name            Version\n----            -------\nPowerShellGet   2.2.5.{s.num(0, 9)}\nOpera           {s.num(90, 120)}.0.{s.num(4000, 6000)}.{s.num(10, 99)}\nFileVersion     10.0.{s.num(19041, 26100)}.{s.num(300, 4000)}\n"
        f"AssemblyVersion 4.{s.num(0, 9)}.0.0\nDriver version: 31.0.15.{s.num(1000, 9999)}\n"
    )
    s.shell("winget list", text)
    s.say("All are up to date.")


def nuget(s: Sheet) -> None:
    text = f'<PackageReference Include="Tess.Core" Version="{s.num(1, 9)}.{s.num(0, 20)}.{s.num(0, 9)}.{s.num(1, 99)}" />\n[assembly: AssemblyFileVersion("{s.num(1, 9)}.0.{s.num(0, 40)}.{s.num(0, 9)}")]\n'
    s.read("src/Core.csproj", text)
    s.say("Version is written in two places.")


def stack(s: Sheet) -> None:
    text = f"java.lang.IllegalStateException: session closed\n\tat com.tess.Pool.get(Pool.java:{s.num(10, 900)})\n\tat com.tess.Main.run(Main.java:{s.num(10, 90)})\nCaused by: com.tess.Token@{s.hex(8)}: java.lang.Object@{s.hex(7)}\n"
    s.user("what is this\n" + text)
    s.say("The pool was closed before it was asked; look at Pool.java.")


def hashes(s: Sheet) -> None:
    s.shell(
        "sha256sum dist/*; md5sum dist/*",
        f"{s.hex(64)}  dist/a.whl\n{s.hex(64)}  dist/a.tar.gz\n{s.hex(32)}  dist/a.whl\n",
    )
    s.shell(
        "cat poetry.lock | head",
        f'[[package]]\nname = "idna"\nfiles = [\n    {{file = "idna.whl", hash = "sha256:{s.hex(64)}"}},\n]\n',
    )
    s.say("The sums agree.")


def usage(s: Sheet) -> None:
    found = {
        "id": f"chatcmpl-{s.hex(12)}",
        "usage": {
            "prompt_tokens": s.num(100, 9000),
            "completion_tokens": s.num(10, 900),
            "total_tokens": s.num(900, 9900),
        },
        "max_tokens": 4096,
        "system_fingerprint": f"fp_{s.hex(10)}",
    }
    s.tool("get_usage", {"day": s.day()}, found)
    s.say("Most tokens went into the questions.")


def readme(s: Sheet) -> None:
    s.user("How do I set the key?")
    s.say(
        'Export it first:\n\n```bash\nexport API_KEY=<your-api-key>\ncurl -H "Authorization: Bearer $API_KEY" https://api.tess.internal/v1/me\n```\n\n'
        f"or in the file:\n\n```yaml\ntoken: {s.pick('${TOKEN}', '{{ vault_token }}', 'YOUR_TOKEN_HERE', '<token>')}\npassword: {s.pick('********', '{{ db_password }}', '<redacted>', 'null')}\n```"
    )
    s.read(
        "README.md",
        "## Setup\n1. Create a token in the settings.\n2. Put it into `~/.tess/credentials`.\n3. Run `tess login --password-stdin < secret.txt`.\n",
    )


def sops(s: Sheet) -> None:
    def enc(size: int) -> str:
        return chars(s.r, B62 + "+/", size)

    text = f'db:\n    password: ENC[AES256_GCM,data:{enc(20)},iv:{enc(43)}=,tag:{enc(22)}==,type:str]\nsops:\n    version: 3.9.{s.num(0, 4)}\n    lastmodified: "{s.stamp()}"\n'
    s.read("secrets.enc.yaml", text)
    s.say("Encrypted; only the names can be read.")


def redacted(s: Sheet) -> None:
    text = f"Authorization: Bearer ***\nx-api-key: [REDACTED]\ncookie: <hidden>\npassword=******** token=sk-****{s.hex(4)} AWS_ACCESS_KEY_ID=AKIA************\ncard=**** **** **** {s.digits(4)} iban=DE** **** **** **** **{s.num(10, 99)}\n"
    s.shell("tail requests.log", text)
    s.say("The log is masked as it should be.")


def tf_plan(s: Sheet) -> None:
    text = (
        '  # aws_db_instance.main will be updated in-place\n  ~ resource "aws_db_instance" "main" {\n      ~ password = (sensitive value)\n        id       = "db-'
        + s.hex(8)
        + '"\n      + master_user_secret_kms_key_id = (known after apply)\n    }\n\nPlan: 0 to add, 1 to change, 0 to destroy.\n'
    )
    s.shell("terraform plan", text)
    s.say("One change in place.")


def keyboard(s: Sheet) -> None:
    found = {"key": "ctrl+shift+p", "command": "palette.open", "when": "editorFocus"}
    s.read("keybindings.json", s.json([found, {"key": "cmd+k cmd+s", "command": "keys.show"}], 2))
    s.say(f"`sort_key`, `cache_key` and `primary_key` are names of columns; the shortcut is {found['key']}.")


def retina(s: Sheet) -> None:
    s.shell("ls assets", "icon.png\nicon@2x.png\nicon@3x.png\nlogo@1x.webp\nbanner.svg\n")
    s.shell(
        "systemctl list-units 'user@*'",
        "UNIT               LOAD   ACTIVE SUB\nuser@1000.service  loaded active running\ngetty@tty1.service loaded active running\n",
    )
    s.say("All three sizes are there.")


def policy(s: Sheet) -> None:
    s.user("What are the rules for passwords?")
    s.tool(
        "kb_search",
        {"q": "password policy"},
        f"Passwords have at least {s.num(10, 16)} characters, one digit and one sign. The last {s.num(3, 12)} can not be used again. Password expiry: {s.num(90, 365)} days. Never send a password by mail. API keys are rotated every quarter; tokens live {s.num(5, 60)} minutes.",
    )
    s.say("Twelve months at most, no reuse, and never by mail.")


SCENES = (
    lockfile, yarn, images, shas, env_example, workflow, refs, password_code, i18n, public_keys, certificate, picture, migration,
    tests_pass, versions, nuget, stack, hashes, usage, readme, sops, redacted, tf_plan, keyboard, retina, policy,
)  # fmt: skip
