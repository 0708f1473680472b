"""Scenes of the fifth corpus with keys and tokens that a service issued."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

import base64

from benchmarks.pii_corpora import fifth_keys as keys
from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.fifth_values import B62, chars


def issued(s: Sheet, where: str) -> tuple[keys.Issued, str]:
    one, value = keys.issued(s.r)
    return one, s.key(f"{one.who}, {where}", value)


def env_file(s: Sheet) -> None:
    lines, seen = ["APP_ENV=production", f"PORT={s.num(3000, 9000)}"], set()
    for _ in range(s.num(2, 4)):
        one, value = keys.issued(s.r)
        if one.env in seen:
            continue
        seen.add(one.env)
        sign = s.pick("", "", '"', "'")
        lines.append(f"{s.pick('', '', 'export ')}{one.env}={sign}{s.key(f'{one.who}, env file', value)}{sign}")
    if s.r.random() < 0.5:
        lines.append(
            f"{s.pick('DB_PASSWORD', 'SECRET_KEY', 'JWT_SECRET', 'SESSION_SECRET', 'REDIS_PASSWORD')}={s.password('env file', True)}"
        )
    s.shell(f"cat {s.pick('.env', '.env.production', 'deploy/.env')}", "\n".join([*lines, "LOG_LEVEL=info"]) + "\n")
    s.say("The file is complete; it should not be in git.")


def pasted(s: Sheet) -> None:
    one, value = issued(s, "pasted by a user")
    said = s.pick(
        "here's my {w} key: {v}", "use this {w} token {v} and then list everything", "{w} API key = {v}", "Der {w}-Schlüssel ist {v}.",
        "voici la clé {w} : {v}", "la clave de {w} es {v}", "I get 401 with {w} token `{v}`, why?", "{v} <- {w} key, rotate it later pls",
    )  # fmt: skip
    s.user(said.format(w=one.who, v=value))
    s.say("Thank you. I will use it from the environment and not write it down; please make a new one afterwards.")


def curl(s: Sheet) -> None:
    one, value = keys.issued(s.r)
    value = s.key(f"{one.who}, curl", value)
    how = s.pick(
        f'-H "Authorization: Bearer {value}"',
        f"-H 'X-Api-Key: {value}'",
        f"-u '{value}:'",
        f"-H 'authorization: token {value}'",
    )
    if one.who == "Google":
        how = f"-G -d 'key={value}'"
    s.user(f"Does the {one.who} key still work?")
    s.shell(
        f"curl -s https://{one.host} {how} | head -c 300",
        s.json({"error": {"code": s.pick(401, 403), "message": "invalid credentials"}}),
    )
    s.say("No: the service answers that the credentials are invalid.")


def diff(s: Sheet) -> None:
    one, value = issued(s, "diff")
    name = s.pick(one.env, one.env.lower(), "apiKey", "token", "api_key")
    line = s.pick(
        f"{name} = '{value}'",
        f'const {name} = "{value}";',
        f'  {name}: "{value}",',
        f"{name}: {value}",
        f'"{name}": "{value}"',
    )
    text = f"diff --git a/config.js b/config.js\nindex {s.hex(7)}..{s.hex(7)} 100644\n@@ -1,4 +1,4 @@\n-{line}\n+{line.replace(value, 'process.env.KEY')}\n"
    s.user("review before I push")
    s.shell("git diff", text)
    s.say("Good that the key leaves the code; it stays in the history, so it has to be replaced.")


def ci_log(s: Sheet) -> None:
    one, value = issued(s, "CI log")
    text = (
        f"##[group]Run deploy.sh\n{s.stamp()} + set -x\n{s.stamp()} + export {one.env}={value}\n{s.stamp()} + ./deploy --region eu-central-1\n"
        f"{s.stamp()} Error: 403 Forbidden (request id {s.uuid()})\n##[error]Process completed with exit code 1.\n"
    )
    s.tool("ci_get_log", {"job": s.digits(10), "tail": 20}, text)
    s.say("set -x writes the value into the log.")


def k8s_secret(s: Sheet) -> None:
    value = base64.b64encode(
        keys.password(s.r).encode() if s.r.random() < 0.6 else keys.issued(s.r)[1].encode()
    ).decode()
    name = s.pick("password", "api-key", "token", "DB_PASSWORD")
    text = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: app-{s.hex(4)}\n  namespace: prod\ntype: Opaque\ndata:\n  {name}: {s.key('data of a Kubernetes Secret', value)}\n"
    s.shell("kubectl get secret app -n prod -o yaml", text)
    s.say("The Secret has one entry.")


def kubeconfig(s: Sheet) -> None:
    name = s.pick("token", "client-key-data")
    value = keys.jwt(s.r) if name == "token" else base64.b64encode(keys.private_key(s.r, "EC ").encode()).decode()
    text = (
        "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster:\n    server: https://10.0.0.1:6443\n"
        f"users:\n- name: admin\n  user:\n    {name}: {s.key(f'kubeconfig, {name}', value)}\ncurrent-context: prod\n"
    )
    s.shell("kubectl config view --raw", text)
    s.say("One user, one cluster.")


def aws_file(s: Sheet) -> None:
    text = (
        f"[default]\nregion = eu-west-1\n\n[{s.pick('prod', 'billing', 'ci')}]\naws_access_key_id = {s.key('AWS access key id', keys.aws_id(s.r))}\n"
        f"aws_secret_access_key = {s.key('AWS secret access key', keys.aws_secret(s.r))}\n"
    )
    s.shell("cat ~/.aws/credentials", text)
    s.say("Two profiles.")


def aws_assume(s: Sheet) -> None:
    found = {
        "Credentials": {
            "AccessKeyId": s.key("AWS temporary key id", keys.aws_id(s.r, "ASIA")),
            "SecretAccessKey": s.key("AWS temporary secret", keys.aws_secret(s.r)),
            "SessionToken": s.key("AWS session token", keys.aws_session(s.r)),
            "Expiration": s.stamp(),
        },
        "AssumedRoleUser": {"Arn": f"arn:aws:sts::{s.digits(12)}:assumed-role/deploy/ci"},
    }
    s.shell("aws sts assume-role --role-arn $ROLE --role-session-name ci", s.json(found, 4))
    s.say("The role could be taken.")


def aws_create(s: Sheet) -> None:
    key = {"UserName": "uploader", "AccessKeyId": s.key("AWS access key id", keys.aws_id(s.r)), "Status": "Active"}
    key["SecretAccessKey"] = s.key("AWS secret access key, JSON", keys.aws_secret(s.r))
    s.tool("aws_iam_create_access_key", {"UserName": "uploader"}, {"AccessKey": key})
    s.say("Created. It is shown only this once.")


def service_account(s: Sheet) -> None:
    found = {
        "type": "service_account",
        "project_id": f"tess-{s.num(100, 999)}",
        "private_key_id": s.hex(40),
        "private_key": s.key("private key of a service account", keys.private_key(s.r, "")) + "\n",
        "client_id": s.digits(21),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    s.read("sa.json", s.json(found, 2))
    s.say("A service account; keep the file out of the image.")


def ssh_key(s: Sheet) -> None:
    value = s.key("private key, file", keys.private_key(s.r))
    s.user("git push says permission denied")
    s.shell(s.pick("cat ~/.ssh/id_ed25519", "cat deploy_key", "cat certs/server.key"), value + s.pick("\n", ""))
    s.say("The file is there; its mode is too open.")


def pem_pasted(s: Sheet) -> None:
    value = s.key("private key, pasted", keys.private_key(s.r) if s.r.random() < 0.7 else keys.pgp_key(s.r))
    s.user(f"store this as a secret named signing-{s.hex(3)}\n\n{value}\n\nthanks")
    s.tool(
        "create_secret",
        {"name": "signing", "from": "message"},
        {"version": 1, "arn": f"arn:aws:secretsmanager:eu-west-1:{s.digits(12)}:secret:signing"},
    )
    s.say("Stored as version 1.")


def pem_argument(s: Sheet) -> None:
    s.tool(
        "write_file",
        {"path": "certs/dev.key", "content": s.key("private key, argument", keys.private_key(s.r)) + "\n"},
        {"bytes": s.num(200, 2000)},
    )
    s.say("Written.")


def webhook(s: Sheet) -> None:
    end = s.pick("slack", "slack", "discord", "zapier")
    if end == "slack":
        value = s.key("Slack webhook, last part", chars(s.r, B62, 24))
        url = f"https://hooks.slack.com/services/T0{s.hex(9).upper()}/B0{s.hex(9).upper()}/{value}"
    elif end == "discord":
        value = s.key("Discord webhook, last part", chars(s.r, B62 + "-_", 67) + "x")
        url = f"https://discord.com/api/webhooks/{s.digits(19)}/{value}"
    else:
        value = s.key("Zapier webhook, last part", "b" + s.hex(6))
        url = f"https://hooks.zapier.com/hooks/catch/{s.digits(7)}/{value}/"
    where = s.pick("user", "curl", "yaml", "argument")
    if where == "user":
        s.user(f"Post the build result to {url} please")
    elif where == "curl":
        s.shell(f"curl -X POST -H 'Content-type: application/json' --data '{{\"text\":\"build ok\"}}' {url}", "ok")
    elif where == "yaml":
        s.read(
            "alertmanager.yml", f"receivers:\n- name: ops\n  slack_configs:\n  - api_url: {url}\n    channel: '#ops'\n"
        )
    else:
        s.tool("http_post", {"url": url, "json": {"text": "deployed"}}, {"status": 200})
    s.say("Done.")


def telegram(s: Sheet) -> None:
    value = s.key("Telegram bot token in a URL", f"{s.digits(10)}:AA{chars(s.r, B62 + '-_', 33)}")
    s.shell(
        f"curl https://api.telegram.org/bot{value}/getUpdates", '{"ok":false,"error_code":409,"description":"Conflict"}'
    )
    s.say("Two programs poll at once.")


def jwt_header(s: Sheet) -> None:
    value = s.key("JWT in a header", keys.jwt(s.r))
    s.user(
        s.pick(
            f"GET /v1/me HTTP/1.1\nHost: api.{s.domain}\nAuthorization: Bearer {value}\nAccept: */*\n\nwhy 401?",
            f"localStorage.getItem('access_token') gives me '{value}' is it expired?",
            f"decode this: {value}",
        )
    )
    s.say("It has run out; sign in again.")


def oauth(s: Sheet) -> None:
    found = {
        "access_token": s.key(
            "OAuth access token", s.pick("ya29.a0" + chars(s.r, B62 + "-_", 160), chars(s.r, B62, 43), keys.jwt(s.r))
        ),
        "token_type": "Bearer",
        "expires_in": 3599,
        "refresh_token": s.key("OAuth refresh token", s.pick("1//0" + chars(s.r, B62 + "-_", 90), chars(s.r, B62, 48))),
    }
    s.tool("http_post", {"url": f"https://id.{s.domain}/token", "form": {"grant_type": "authorization_code"}}, found)
    s.say("Signed in.")


def client_secret(s: Sheet) -> None:
    value = s.pick("GOCSPX-" + chars(s.r, B62 + "-_", 28), keys.uuid(s.r), chars(s.r, B62, 40))
    found = {
        "client_id": f"{s.digits(12)}-{s.hex(32)}.apps",
        "client_secret": s.key("client secret", value),
        "redirect_uris": ["http://localhost"],
    }
    s.read("client_secret.json", s.json({"installed": found}))
    s.say("A client for desktop programs.")


def git_remote(s: Sheet) -> None:
    one, value = s.r.choice(
        [(one, one.make(s.r)) for one in keys.ISSUED if one.env in ("GITHUB_TOKEN", "GITLAB_TOKEN", "GH_APP_TOKEN")]
    )
    who = {"GITHUB_TOKEN": "", "GITLAB_TOKEN": "oauth2:", "GH_APP_TOKEN": "x-access-token:"}[one.env]
    url = f"https://{who}{s.key(f'{one.who}, URL of a remote', value)}@{one.host.split('/')[0].removeprefix('api.')}/tess/shop.git"
    s.shell("git remote get-url origin", url + "\n") if s.r.random() < 0.5 else s.shell(
        f"git clone {url}", "Cloning into 'shop'...\nfatal: not found\n"
    )
    s.say("The remote has its token in the URL.")


def rc_files(s: Sheet) -> None:
    rc = s.pick("npm", "pypi", "netrc", "docker", "pip", "cargo")
    if rc == "npm":
        text = f"//packages.brackwell.dev/:_authToken={s.key('npmrc', s.r.choice([one for one in keys.ISSUED if one.who == 'npm']).make(s.r))}\nalways-auth=true\n"
    elif rc == "pypi":
        text = f"[pypi]\nusername = __token__\npassword = {s.key('pypirc', 'pypi-AgEIcHlwaS5vcmc' + chars(s.r, B62 + '-_', 140))}\n"
    elif rc == "netrc":
        text = f"machine git.{s.domain}\nlogin ci\npassword {s.key('netrc', chars(s.r, B62, 24))}\n"
    elif rc == "docker":
        auth = base64.b64encode(f"ci:{keys.password(s.r)}".encode()).decode()
        text = s.json({"auths": {"registry.internal": {"auth": s.key("auth of a docker config", auth)}}}, 2)
    elif rc == "pip":
        text = f"[global]\nextra-index-url = https://ci:{s.password('URL of a package index', True)}@pkgs.{s.domain}/simple\n"
    else:
        text = f'[registry]\ntoken = "{s.key("cargo credentials", "cio" + chars(s.r, B62, 32))}"\n'
    s.read(
        {
            "npm": ".npmrc",
            "pypi": "~/.pypirc",
            "netrc": "~/.netrc",
            "docker": "~/.docker/config.json",
            "pip": "pip.conf",
            "cargo": "credentials.toml",
        }[rc],
        text,
    )
    s.say("The registry is set.")


def azure(s: Sheet) -> None:
    value = chars(s.r, keys.B64, 86) + "=="
    text = s.pick(
        f"DefaultEndpointsProtocol=https;AccountName=tess{s.num(1, 99)};AccountKey={{}};EndpointSuffix=core.windows.net",
        "Endpoint=sb://bus.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={}",
    )
    if text.startswith("Endpoint"):
        value = chars(s.r, keys.B64, 43) + "="
    s.shell(
        "az storage account show-connection-string -o tsv", text.format(s.key("Azure connection string", value)) + "\n"
    )
    s.say("That is the string for the queue.")


def sas(s: Sheet) -> None:
    value = s.key("signature of a SAS URL", chars(s.r, B62, 20) + "%2B" + chars(s.r, B62, 20) + "%3D")
    s.user(
        f"download https://tess{s.num(1, 9)}.blob.core.windows.net/drop/a.zip?sv=2024-11-04&se=2026-03-01&sr=b&sp=r&sig={value} and list it"
    )
    s.shell("unzip -l a.zip", f"Archive: a.zip\n  {s.num(100, 9999)}  2026-02-01 09:00   readme.txt\n")
    s.say("One file.")


def scanner(s: Sheet) -> None:
    one, value = issued(s, "finding of a scanner")
    found = {
        "Description": f"{one.who} token",
        "StartLine": s.num(1, 90),
        "Secret": value,
        "File": "settings/old.py",
        "Commit": s.hex(40),
        "RuleID": "generic",
    }
    s.shell("gitleaks detect --report-format json", s.json([found], 1))
    s.say("One finding, in an old commit.")


def notebook(s: Sheet) -> None:
    one, value = issued(s, "cell of a notebook")
    source = [f'os.environ["{one.env}"] = "{value}"\\n', "client = Client()\\n"]
    s.read(
        "explore.ipynb",
        '{"cell_type": "code", "execution_count": 4, "source": ["'
        + '", "'.join(line.replace('"', '\\"') for line in source)
        + '"]}',
    )
    s.say("The first cell sets the key; read it from the environment instead.")


def code_written(s: Sheet) -> None:
    one, value = issued(s, "code")
    s.user(f"write me a script for {one.who}")
    s.say(
        f'```python\nimport requests\n\nAPI_KEY = "{value}"\n\nr = requests.get("https://{one.host}", headers={{"Authorization": f"Bearer {{API_KEY}}"}})\nprint(r.status_code)\n```'
    )


def config_json(s: Sheet) -> None:
    one, value = issued(s, "configuration of a server")
    found = {"mcpServers": {one.who.lower(): {"command": "npx", "args": ["-y", "server"], "env": {one.env: value}}}}
    s.read("settings.json", s.json(found, 2))
    s.say("One server is set up.")


SCENES = (
    (env_file, 7), (pasted, 6), (curl, 5), (diff, 3), (ci_log, 3), (k8s_secret, 2), (kubeconfig, 1), (aws_file, 3),
    (aws_assume, 1), (aws_create, 2), (service_account, 2), (ssh_key, 2), (pem_pasted, 2), (pem_argument, 1), (webhook, 4),
    (telegram, 1), (jwt_header, 3), (oauth, 2), (client_secret, 2), (git_remote, 2), (rc_files, 4), (azure, 2), (sas, 1),
    (scanner, 2), (notebook, 1), (code_written, 3), (config_json, 3),
)  # fmt: skip
