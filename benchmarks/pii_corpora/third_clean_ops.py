"""Clean scenes of the third corpus with machines in them: hashes, versions, private addresses, references to secrets.

Written as third_scenes.py describes.
"""

QUIET = r"""§tool
import os

password = os.environ["DB_PASSWORD"]
API_KEY = os.getenv("API_KEY", "")
token = settings.SERVICE_TOKEN
secret = get_secret("billing/stripe", version=⟦1-9⟧)
client = Client(token=token, password=password, api_key=API_KEY)
§assistant
Nothing is hard-coded; all of it is read at the start (line ⟦10-99⟧).
===
§tool
services:
  api:
    image: api:⟦ver⟧
    environment:
      DATABASE_URL: postgres://${DB_USER}:${DB_PASSWORD}@db:5432/app
      SECRET_KEY: ${SECRET_KEY:?missing}
      REDIS_URL: redis://cache:6379/0
    ports: ["127.0.0.1:⟦3000-9000⟧:8080"]
===
§tool
# .env.example
API_KEY=<your-key>
DB_PASSWORD=***
SMTP_PASSWORD=
JWT_SECRET=${JWT_SECRET}
STRIPE_KEY=sk_live_xxxxxxxxxxxxxxxxxxxxxxxx
GITHUB_TOKEN=YOUR_TOKEN_HERE
OPENAI_API_KEY=sk-...
TOKEN_TTL=⟦300-9000⟧
§assistant
Copy it to .env and fill in the values.
===
§tool
apiVersion: v1
kind: Pod
metadata: {name: api-⟦=7{x9}-{l5}⟧, uid: ⟦uuid⟧}
spec:
  containers:
  - name: api
    image: registry.local/api@sha256:⟦=a{x63}⟧
    env:
    - name: DB_PASSWORD
      valueFrom: {secretKeyRef: {name: db, key: password}}
status: {podIP: ⟦privip⟧, hostIP: ⟦privip⟧, phase: Running}
===
§call bash
{"command": "git log --oneline -3 && git rev-parse HEAD", "timeout": ⟦5-60⟧}
§tool
⟦=b{x6}⟧ fix(auth): rotate token on login
⟦=4{x6}⟧ feat: password reset page
⟦=9{x6}⟧ chore: bump to ⟦ver⟧
⟦=c{x39}⟧
===
§tool
diff --git a/go.sum b/go.sum
index ⟦=a{x6}..e{x6}⟧ 100644
-corp.local/kit v⟦ver⟧ h1:⟦=b{b42}⟧=
+corp.local/kit v⟦ver⟧ h1:⟦=c{b42}⟧=
+corp.local/kit v⟦ver⟧/go.mod h1:⟦=d{b42}⟧=
§assistant
Only the checksums of one module changed.
===
§tool json
{"lockfileVersion": 3, "packages": {"left": {"version": "⟦ver⟧", "integrity": "sha512-⟦=a{b85}⟧=="}, "right": {"version": "⟦ver⟧"}}}
§assistant
Two packages are locked with their checksums.
===
§tool
$ ip addr show eth0
2: eth0: <BROADCAST,MULTICAST,UP> mtu 1500 qdisc mq state UP
    link/ether ⟦mac⟧ brd ff:ff:ff:ff:ff:ff
    inet ⟦privip⟧/24 brd 192.168.1.255 scope global eth0
    inet6 fe80::⟦=a{x3}:{x4}:fe{x2}:{x4}⟧/64 scope link
    inet6 fd12:3456:789a::⟦1-9⟧/64 scope global
===
§tool
127.0.0.1   localhost
::1         localhost ip6-localhost
⟦privip⟧    db-1.internal db-1
⟦privip⟧    cache.internal
169.254.169.254 metadata
0.0.0.0     ads.blocked
255.255.255.255 broadcasthost
§assistant
Only private and loopback addresses are in the file.
===
§user
Split 10.⟦0-200⟧.0.0/16 into /20s, and which documentation ranges exist?
§assistant
Sixteen nets: 10.⟦0-200⟧.0.0/20, 10.⟦0-200⟧.16.0/20 … For examples use 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32.
===
§tool
⟦docip⟧ - - [04/Nov/2025:10:⟦10-59⟧:12 +0000] "GET /docs HTTP/1.1" 200 ⟦100-9000⟧ "-" "Mozilla/5.0 Chrome/126.0.6478.127"
⟦privip⟧ - - [04/Nov/2025:10:⟦10-59⟧:13 +0000] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.29"
⟦privip⟧ - - [04/Nov/2025:10:⟦10-59⟧:14 +0000] "POST /v1/jobs HTTP/1.1" 202 ⟦100-900⟧ "-" "python-httpx/0.27.2"
===
§tool
tcp  LISTEN 0 4096   127.0.0.1:5432    0.0.0.0:*   users:(("postgres",pid=⟦100-9000⟧,fd=6))
tcp  LISTEN 0 511      0.0.0.0:443     0.0.0.0:*   users:(("nginx",pid=⟦100-9000⟧,fd=12))
tcp  ESTAB  0 0     ⟦privip⟧:⟦1024-65000⟧ ⟦privip⟧:6379
tcp6 LISTEN 0 128       [::]:22           [::]:*
===
§user
Which version are we on? The installer says ⟦ver4⟧ and the driver ⟦ver4⟧.
§assistant
Version ⟦ver4⟧ is current; build ⟦=2{d3}.{d4}⟧ of ⟦iso⟧, firmware v⟦ver⟧-rc.⟦1-9⟧+⟦=a{x6}⟧.
===
§tool
Name                Version        Publisher
Visual Runtime      14.40.⟦30000-40000⟧.0  Contoso
Printer Driver      ⟦ver4⟧        Contoso
Sound Driver        6.0.⟦1000-9000⟧.1   Contoso
Reader              25.1.⟦20000-30000⟧.⟦10-900⟧ Contoso
===
§tool wrap
Traceback (most recent call last):
  File "/srv/app/tokens.py", line ⟦10-900⟧, in refresh
    raise TokenExpired(f"token {token_id} expired at {at}")
app.errors.TokenExpired: token ⟦uuid⟧ expired at ⟦epoch⟧
§assistant
The id is no secret; the token itself is never logged.
===
§tool
2025-11-04 10:11:12,⟦100-999⟧ [worker-⟦1-9⟧] INFO job=⟦uuid⟧ took=⟦100-9000⟧ms rows=⟦1000-90000⟧ etag="⟦=d{x31}⟧"
2025-11-04 10:11:13,⟦100-999⟧ [worker-⟦1-9⟧] WARN retry=2/5 trace_id=⟦=4{x31}⟧ span_id=⟦=0{x15}⟧
2025-11-04 10:11:15,⟦100-999⟧ [worker-⟦1-9⟧] ERROR 0x⟦=8{x7}⟧ at 0x0000⟦=7f{x10}⟧ ts=⟦epochms⟧
===
§tool
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI⟦=a{b43}⟧ laptop
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ⟦=b{b300}⟧ ci
SHA256:⟦=c{b42}⟧ (ED25519)
§assistant
Two public keys; both may stay in the file.
===
§tool
-----BEGIN CERTIFICATE-----
MIID⟦=a{b60}⟧
⟦=b{b63}⟧
⟦=c{b63}⟧
-----END CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE⟦=a{b27}⟧
⟦=b{b59}⟧==
-----END PUBLIC KEY-----
§assistant
A certificate and a public key: neither is secret.
===
§tool
<img alt="logo" src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA⟦=a{b400}⟧">
<link rel="stylesheet" href="/static/app.⟦=a{x7}⟧.css" integrity="sha384-⟦=b{b63}⟧" crossorigin="anonymous">
===
§tool
!function(e,t){"object"==typeof exports?t(exports):t(e.k={})}(this,function(e){var n=1e3,r=0x⟦=f{x7}⟧,o=[⟦1-9⟧,⟦100-900⟧,65535];
e.hash=function(t){for(var i=5381,a=t.length;a;)i=33*i^t.charCodeAt(--a);return i>>>0};e.token=null;e.v="⟦ver⟧";e.n=4294967296});
===
§tool
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, password_hash text, phone varchar(20), created timestamptz);
ALTER TABLE users ADD COLUMN api_token uuid DEFAULT gen_random_uuid();
-- 0 rows, checksum ⟦=8{x31}⟧
§assistant
The table is empty; its columns can hold personal data later.
===
§user
Validate the field names for me: email, phone, iban, card_number, password.
§call validate
{"schema": {"email": "string", "password": {"type": "string", "minLength": 12}, "token": null, "iban": {"maxLength": 34}}}
§tool json
{"valid": true, "warnings": [], "took_us": ⟦100-9000⟧}
===
§tool
function login({ username, password }) {
  const token = req.headers.authorization?.split(" ")[1];
  if (password !== confirmPassword) throw new Error("passwords differ");
  return api.post("/login", { username, password, csrfToken: getCookie("csrf") });
}
§assistant
The password is only passed on; add a limit of attempts (⟦3-9⟧ per ⟦5-60⟧ min).
===
§tool
provider "aws" {
  region     = "eu-central-1"
  access_key = var.aws_access_key
  secret_key = var.aws_secret_key
}
resource "random_password" "db" { length = ⟦16-40⟧ }
output "db_password" {
  value     = random_password.db.result
  sensitive = true
}
===
§user
How do I send the key?
§assistant
```bash
curl -H "Authorization: Bearer $TOKEN" -H 'X-Api-Key: {{api_key}}' "https://api.corvane.io/v1/items?api_key=YOUR_API_KEY&limit=⟦10-99⟧"
mysql -u app -p"$MYSQL_PWD" orders
```
===
§user
My password does not work any more, I tried the old one and the new one. And the token field stays empty
§assistant
I will send a reset link. A password needs at least ⟦8-16⟧ characters, a digit and one of !?#. Never tell it to anybody.
===
§tool
[client]
user = backup
password = %(BACKUP_PASSWORD)s
host = ⟦privip⟧
port = 3306
ssl-ca = /etc/ssl/ca-⟦=a{x7}⟧.pem
§assistant
The value comes from the environment.
===
§tool
steps:
  - uses: actions/checkout@v4
  - uses: corvane/setup@⟦=a{x39}⟧
    with:
      token: ${{ secrets.DEPLOY_TOKEN }}
      node-version: ⟦ver⟧
  - run: ./deploy.sh --password "$(cat /run/secrets/db)"
===
§tool json
{"token_count": ⟦100-9000⟧, "tokens": [⟦100-900⟧, ⟦1000-9000⟧, ⟦10000-50000⟧], "max_tokens": 4096, "stop_token": "</s>", "pad_token_id": 0}
§assistant
The text has ⟦100-9000⟧ tokens, 0.⟦10-99⟧ per character.
===
§tool
epoch ⟦1-9⟧/10 step ⟦1000-9000⟧ loss 0.⟦1000-9999⟧ lr 3.00e-05 grad_norm 1.⟦100-999⟧ tok/s ⟦10000-90000⟧
epoch ⟦1-9⟧/10 step ⟦1000-9000⟧ loss 0.⟦1000-9999⟧ lr 2.85e-05 grad_norm 0.⟦100-999⟧ tok/s ⟦10000-90000⟧
eval: acc 0.⟦1000-9999⟧ f1 0.⟦1000-9999⟧ [0.1234567890123456, 0.⟦=9{d15}⟧, -1.⟦=2{d15}⟧]
===
§tool
d⟦=4{d7}⟧|⟦epoch⟧|⟦epochms⟧|⟦=4{d15}⟧|⟦uuid⟧
d⟦=4{d7}⟧|⟦epoch⟧|⟦epochms⟧|⟦=7{d15}⟧|⟦uuid⟧
d⟦=4{d7}⟧|⟦epoch⟧|⟦epochms⟧|⟦=9{d15}⟧|⟦uuid⟧
§assistant
The columns are: id, seconds, milliseconds, object id, request.
===
§user
decode 0x⟦=d{x7}⟧ and OID 1.3.6.1.4.1.311.21.20, RFC 5321 section 4.5.3.1.1
§assistant
The OID is one of a vendor (1.3.6.1.4.1 is "private enterprises"); the section limits local parts to 64 octets.
===
§tool
Device ⟦mac⟧ RSSI -⟦40-90⟧ dBm, MCS ⟦1-9⟧, 5180 MHz; IMSI prefix 262-01; IMEI TAC 35⟦=2{d5}⟧; fw ⟦ver4⟧
Device ⟦=A{d1}-1B-2C-3D-4E-5{d1}⟧ RSSI -⟦40-90⟧ dBm, WPA2-PSK, channel 36+40; uptime 12d 03:⟦10-59⟧:⟦10-59⟧
===
§user
ssh does not work: `deploy@web-01:~$ ssh db-1` says "Permission denied (publickey)". fail2ban on ⟦privip⟧?
§call bash
{"command": "ssh -vvv db-1 -p ⟦2000-9000⟧ 2>&1 | tail -n ⟦10-60⟧"}
§tool
debug1: Connecting to db-1 [⟦privip⟧] port ⟦2000-9000⟧.
debug1: Server host key: ssh-ed25519 SHA256:⟦=a{b42}⟧
===
§tool html
<pre>@media (min-width:600px){.a{margin:0 4px}} @keyframes x{from{opacity:0}}
&lt;token name="user.mention"&gt;@kestrel_⟦1-99⟧&lt;/token&gt;</pre>
§assistant
The page mentions a handle and nothing else. Font: Inter@400;700.
===
§tool
{"jsonrpc":"2.0","id":⟦1-900⟧,"result":{"blockNumber":"0x⟦=1{x6}⟧","hash":"0x⟦=a{x63}⟧","to":"0x⟦=b{x39}⟧","value":"⟦=3{d18}⟧"}}
§assistant
The block is final; the value is in wei (10^-18).
===
§tool
publishable: pk_live_⟦=5{a23}⟧
site key (public): 0x4AAAAAAA⟦=a{a14}⟧
tracking id: G-⟦=A{A9}⟧, UA-⟦=1{d7}⟧-1
password: (set)   token: [REDACTED]   secret: ********
§assistant
What is shown may be public; the rest is hidden.
===
§tool
metric,p50,p95,p99
api,⟦10-90⟧.⟦10-99⟧,⟦100-400⟧.⟦10-99⟧,⟦500-900⟧.⟦10-99⟧
db,1.⟦10-99⟧,⟦10-40⟧.⟦10-99⟧,⟦50-90⟧.⟦10-99⟧
requests,⟦=1{d9}⟧,⟦=2{d9}⟧,⟦=3{d9}⟧
bytes,⟦=1{d11}⟧,⟦=2{d12}⟧,⟦=3{d13}⟧
"""
