"""Scenes of the fifth corpus with passwords: connection strings, configuration, commands, sentences."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

import base64

from benchmarks.pii_corpora import fifth_keys as keys
from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.fifth_values import B62, chars


def db_url(s: Sheet) -> None:
    scheme, port = s.pick(
        ("postgresql", 5432),
        ("postgres", 5432),
        ("mysql", 3306),
        ("mongodb+srv", 0),
        ("redis", 6379),
        ("amqp", 5672),
        ("postgresql+asyncpg", 5432),
    )
    user = "" if scheme == "redis" and s.r.random() < 0.5 else s.pick("app", "svc_shop", "admin", "root")
    host = s.pick("db.internal", "10.0.4.12", f"prod.{s.domain}", "localhost", "ep-cool-sun.eu-central-1.aws.neon.tech")
    url = f"{scheme}://{user}:{s.password(f'password of a {scheme} URL', True)}@{host}{f':{port}' if port else ''}/{s.pick('shop', '0', 'app?sslmode=require')}"
    where = s.num(1, 5)
    if where == 1:
        s.user(f"connect with {url} and count the orders")
    elif where == 2:
        s.shell("printenv | grep URL", f"DATABASE_URL={url}\nBASE_URL=http://localhost:3000\n")
    elif where == 3:
        s.tool("db_connect", {"dsn": url, "timeout": 5}, {"ok": False, "error": "timeout"})
    elif where == 4:
        s.user(f'sqlalchemy.exc.OperationalError: could not connect, engine = create_engine("{url}")\nwhat now?')
    else:
        s.read(
            "docker-compose.yml",
            f"services:\n  api:\n    image: tess/api:2.1\n    environment:\n      - DATABASE_URL={url}\n      - TZ=UTC\n",
        )
    s.say("The server does not answer from here.")


def compose(s: Sheet) -> None:
    name = s.pick(
        "POSTGRES_PASSWORD",
        "MYSQL_ROOT_PASSWORD",
        "MINIO_ROOT_PASSWORD",
        "RABBITMQ_DEFAULT_PASS",
        "KEYCLOAK_ADMIN_PASSWORD",
    )
    text = f"services:\n  db:\n    image: postgres:17\n    ports: ['5432:5432']\n    environment:\n      TZ: UTC\n      {name}: {s.pick('{}', chr(34) + '{}' + chr(34)).format(s.password('compose file', True))}\n    volumes: [data:/var/lib]\n"
    s.read("compose.yaml", text)
    s.say("One service.")


def spring(s: Sheet) -> None:
    text = s.pick(
        "spring:\n  datasource:\n    url: jdbc:postgresql://db:5432/shop\n    username: shop\n    password: {}\n  jpa:\n    open-in-view: false\n",
        "spring.datasource.url=jdbc:mysql://db:3306/shop\nspring.datasource.username=shop\nspring.datasource.password={}\n",
        "jdbc:sqlserver://sql.internal:1433;databaseName=erp;user=sa;password={};encrypt=true\n",
    )
    s.read("src/main/resources/application", text.format(s.password("Spring configuration", True)))
    s.say("The data source is set.")


def dotnet(s: Sheet) -> None:
    line = f"Server=tcp:sql.internal,1433;Initial Catalog=erp;User ID=erp_app;{s.pick('Password', 'Pwd', 'PWD')}={s.password('.NET connection string', True)};Encrypt=True;Connection Timeout=30;"
    s.read("appsettings.json", s.json({"ConnectionStrings": {"Default": line}, "AllowedHosts": "*"}, 2))
    s.say("One connection string.")


def command(s: Sheet) -> None:
    p = s.password("argument of a command", True)
    line, out = s.pick(
        (f"PGPASSWORD={p} psql -h db.internal -U app -c 'select 1'", " ?column?\n----------\n        1\n"),
        (f"PGPASSWORD='{p}' pg_dump -h 10.0.0.4 shop > shop.sql", ""),
        (
            f"mysql -u root -p{p} -e 'show databases'",
            "mysql: [Warning] Using a password on the command line interface can be insecure.\n",
        ),
        (f"curl -u admin:{p} http://localhost:8080/api/json", '{"mode":"NORMAL"}'),
        (f"docker login -u ci -p {p} registry.internal", "Login Succeeded\n"),
        (f"sshpass -p '{p}' ssh deploy@10.1.0.8 uptime", " 09:12:01 up 12 days, load average: 0.11, 0.09, 0.05\n"),
        (f"redis-cli -a {p} ping", "PONG\n"),
        (f"echo 'deploy:{p}' | chpasswd", ""),
        (f'mongosh "mongodb://10.0.0.9" --username root --password {p} --eval 1', "1\n"),
        (f"keytool -list -keystore app.jks -storepass {p}", "Keystore type: PKCS12\n"),
        (f"openssl pkcs12 -in c.p12 -passin pass:{p} -nokeys", "MAC verified OK\n"),
        (f"ansible-playbook site.yml -e ansible_become_password={p}", "ok: [web1]\n"),
    )
    s.shell(line, out)
    s.say("That worked.")


def said_password(s: Sheet) -> None:
    said = s.pick(
        "my password is {}", "The password is: {}", "login: admin / {}", "user admin, pw {} – can you check?", "das Passwort lautet {}",
        "Passwort: {}", "le mot de passe est {}", "la contraseña es {}", "la password è {}", "het wachtwoord is {}", "hasło: {}",
        "a senha é {}", "lösenordet är {}", "パスワードは {} です", "密码：{}", "the root pass on that box is {}", "wifi pw: {}",
        "username 'shop' and password '{}'", "I changed the password to {} and still can't sign in",
    )  # fmt: skip
    s.user(said.format(s.password("said in a sentence")))
    s.say("I can not keep it. Please change it once we are done.")
    s.tool("check_account", {"login": "admin"}, {"locked": False, "failed_logins": s.num(0, 9)})


def temporary(s: Sheet) -> None:
    said = s.pick(
        "Your account was unlocked. Temporary password: {}\nPlease change it after signing in.",
        "Ihr Konto ist wieder frei. Vorläufiges Kennwort: {}\nBitte sofort ändern.",
        "Votre mot de passe temporaire : {}\n",
        "Welcome!\nUsername: staff\nInitial password: {}\nPortal: https://portal.internal/",
        "Su contraseña temporal es {} y vence en 24 horas.",
    )
    s.tool(
        "helpdesk_get",
        {"ticket": s.digits(5)},
        {"status": "solved", "last_comment": said.format(s.password("temporary password"))},
    )
    s.say("The account is free again.")


def wifi(s: Sheet) -> None:
    p = s.password("Wi-Fi passphrase", True)
    text = s.pick(
        f'network={{\n  ssid="Lager"\n  psk="{p}"\n  key_mgmt=WPA-PSK\n}}\n',
        f"SSID: Guest-{s.num(1, 99)}\nSecurity: WPA2\nWi-Fi password: {p}\nplease do not hang it up in the lobby\n",
        f"Profile Lager\nSecurity key           : Present\n    Key Content            : {p}\n",
        f"WIFI:T:WPA;S:Lager;P:{p};;",
        f"config wifi-iface 'default'\n  option encryption 'psk2'\n  option key '{p}'\n",
    )
    s.shell(s.pick("cat wpa.conf", "netsh wlan show profile Lager key=clear", "qr --decode wifi.png"), text)
    s.say("That is the network in the store.")


def smtp(s: Sheet) -> None:
    config = {
        "host": "smtp.internal",
        "port": 587,
        "secure": False,
        "auth": {"user": "mailer", "pass": s.password("pass of a mail server")},
    }
    s.tool("update_settings", {"section": "smtp", "value": config}, {"saved": True})
    s.shell(
        "grep -i pass php.ini settings.php",
        f"settings.php:define('DB_PASSWORD', '{s.password('define in PHP', True)}');\n",
    )
    s.say("Saved.")


def basic(s: Sheet) -> None:
    value = base64.b64encode(f"{s.pick('admin', 'api', 'shop')}:{keys.password(s.r)}".encode()).decode()
    s.shell(
        "curl -v https://erp.internal/odata",
        f"> GET /odata HTTP/1.1\n> Authorization: Basic {s.key('Basic header', value)}\n< HTTP/1.1 200 OK\n",
    )
    s.say("The service answers.")


def tf_state(s: Sheet) -> None:
    text = s.json(
        {
            "resources": [
                {
                    "type": "random_password",
                    "name": "db",
                    "instances": [
                        {
                            "attributes": {
                                "length": 24,
                                "special": False,
                                "result": s.key("random_password in a state", chars(s.r, B62, 24)),
                            }
                        }
                    ],
                }
            ]
        },
        2,
    )
    s.shell("terraform state pull", text)
    s.read(
        "prod.tfvars", f'region      = "eu-west-1"\ndb_username = "app"\ndb_password = "{s.password("tfvars", True)}"\n'
    )
    s.say("Both are in the clear.")


def python_settings(s: Sheet) -> None:
    text = s.pick(
        "SECRET_KEY = '{}'\nDEBUG = True\n", "conn = psycopg2.connect(host='db', user='app', password='{}')\n",
        'DATABASES = {{"default": {{"ENGINE": "django.db.backends.mysql", "USER": "shop", "PASSWORD": "{}"}}}}\n',
        'ftp = FTP("files.internal")\nftp.login(user="drop", passwd="{}")\n', 'client = Minio("s3.internal", access_key="shop", secret_key="{}")\n',
        '$cred = ConvertTo-SecureString "{}" -AsPlainText -Force\n', "config.secret_key_base = '{}'\n", 'app.secret_key = b"{}"\n',
    )  # fmt: skip
    value = chars(s.r, B62, s.pick(24, 40, 50)) if "secret" in text.lower() else keys.url_password(s.r)
    s.read("settings", text.format(s.key("code of a program", value)))
    s.say("Move the secret into the environment.")


def sql_user(s: Sheet) -> None:
    p = s.password("SQL statement", True)
    line = s.pick(
        f"CREATE USER report WITH PASSWORD '{p}';", f"ALTER ROLE app LOGIN PASSWORD '{p}';", f"CREATE USER 'shop'@'%' IDENTIFIED BY '{p}';",
        f"ALTER LOGIN sa WITH PASSWORD = '{p}';", f"GRANT ALL ON shop.* TO shop IDENTIFIED BY '{p}';",
    )  # fmt: skip
    s.tool("sql", {"query": line, "database": "postgres"}, {"rows": [], "command": line.split()[0]})
    s.say("Done.")


def form_login(s: Sheet) -> None:
    name = s.pick("password", "passwd", "user[password]", "pass", "pwd")
    p = s.password(f"form field {name}", True)
    if s.r.random() < 0.5:
        s.tool(
            "browser_fill",
            {"fields": [{"name": "username", "value": "editor"}, {"name": name, "type": "password", "value": p}]},
            {"ok": True},
        )
    else:
        s.tool(
            "http_post",
            {
                "url": f"https://cms.{s.domain}/login",
                "body": {"username": "editor", name.replace("user[password]", "password"): p},
            },
            {"status": 302, "location": "/admin"},
        )
    s.say("Signed in.")


def router(s: Sheet) -> None:
    text = f"hostname edge-{s.num(1, 9)}\n!\nusername admin privilege 15 password 0 {s.password('router, password 0', True)}\nsnmp-server community {s.key('SNMP community', chars(s.r, B62, 12))} RO\n!\ninterface Gi0/1\n ip address 10.0.0.1 255.255.255.0\n"
    s.shell("show running-config | begin hostname", text)
    s.say("The password is in the clear.")


def postman(s: Sheet) -> None:
    auth = {
        "type": "apikey",
        "apikey": [
            {"key": "value", "value": s.key("Postman, apikey", chars(s.r, B62, 40)), "type": "string"},
            {"key": "key", "value": "X-API-KEY"},
        ],
    }
    item = {"name": "orders", "request": {"method": "GET", "auth": auth, "url": "{{base}}/orders"}}
    s.read("shop.postman_collection.json", s.json({"info": {"name": "shop"}, "item": [item]}, 2))
    s.say("One request.")


def cookie(s: Sheet) -> None:
    value = s.key(
        "session cookie", s.pick(chars(s.r, B62, 32), keys.jwt(s.r), f"s%3A{chars(s.r, B62, 32)}.{chars(s.r, B62, 43)}")
    )
    s.user(
        f"fetch('https://app.{s.domain}/api/me', {{ headers: {{ cookie: '{s.pick('sessionid', 'connect.sid', 'access_token')}={value}' }} }}) gives 403"
    )
    s.say("The session belongs to another origin.")


def helm(s: Sheet) -> None:
    text = f"USER-SUPPLIED VALUES:\nauth:\n  enablePostgresUser: true\n  postgresPassword: {s.password('helm values', True)}\n  replicationPassword: {s.key('helm values', chars(s.r, B62, 10) + 'Zk')}\nreplicaCount: 2\n"
    s.shell("helm get values pg -n data", text)
    s.say("Two replicas.")


def chat_share(s: Sheet) -> None:
    one, two = s.person(), s.person()
    text = (
        f"{one.first}  {s.clock()[:5]}\nwho has the staging login?\n{two.first}  {s.clock()[:5]}\nadmin / {s.password('login with a slash')}\n"
        f"{one.first}  {s.clock()[:5]}\nthx, and the ftp?\n{two.first}  {s.clock()[:5]}\nsame user, pwd is {s.password('said in a chat')}\n"
    )
    s.tool("slack_history", {"channel": "C0STAGING", "limit": 4}, text)
    s.say("The login was posted in the channel; better move it to the vault.")


def vault_read(s: Sheet) -> None:
    text = f"====== Data ======\nKey         Value\n---         -----\npassword    {s.password('vault kv get', True)}\nusername    app\n"
    s.shell("vault kv get secret/shop/db", text)
    s.shell(
        "op item get 'ERP' --fields label=password --reveal",
        s.key("password manager", chars(s.r, B62 + "!*-_", 23) + "w8") + "\n",
    )
    s.say("Both are there.")


def ini(s: Sheet) -> None:
    text = s.pick(
        f"[client]\nuser=backup\npassword={s.password('my.cnf', True)}\nhost=10.0.0.4\n",
        f"10.0.0.4:5432:shop:app:{s.key('pgpass', chars(s.r, B62, 20))}\n",
        f'<add key="ErpPassword" value="{s.key("web.config", chars(s.r, B62, 18))}" />\n<add key="ErpUser" value="svc" />\n',
        f"rpcuser=node\nrpcpassword={s.key('rpcpassword', chars(s.r, B62, 44))}\n",
        f"requirepass {s.key('redis.conf', chars(s.r, B62, 30))}\nmaxmemory 2gb\n",
    )
    s.planted[:] = [one for one in s.planted if one.value in text]
    s.read("/etc/app.conf", text)
    s.say("Read.")


SCENES = (
    (db_url, 8), (compose, 3), (spring, 2), (dotnet, 2), (command, 5), (said_password, 6), (temporary, 2), (wifi, 2), (smtp, 2),
    (basic, 2), (tf_state, 2), (python_settings, 4), (sql_user, 2), (form_login, 3), (router, 1), (postman, 1), (cookie, 1),
    (helm, 1), (chat_share, 2), (vault_read, 1), (ini, 2),
)  # fmt: skip
