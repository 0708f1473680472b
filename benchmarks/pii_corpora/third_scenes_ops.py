"""Scenes of the third corpus with machines in them: keys, passwords and IP addresses in files, commands and logs.

Written as third_scenes.py describes.
"""

MACHINES = r"""§user
the deploy fails, here is my .env
⟦env⟧
⟦env⟧
LOG_LEVEL=info
PORT=⟦3000-9000⟧
⟦env⟧
§assistant
Two variables look right; please rotate what you pasted.
===
§call read_file
{"path": "notes/setup_⟦~prod|stage|eu⟧.txt"}
§tool
Setup, last changed ⟦iso⟧. Paste this into the client:

⟦code⟧

and this into the one of the reports (timeout ⟦5-90⟧ s):

⟦code⟧
===
§tool
apiVersion: v1
kind: ⟦~Secret|ConfigMap⟧
metadata:
  name: ⟦~billing|search|mailer⟧-credentials
  uid: ⟦uuid⟧
data:
  ⟦yaml⟧
  ⟦yaml⟧
§assistant
The manifest holds two values that should not be in the repository.
===
§tool json
{"id": "⟦uuid⟧", ⟦pair⟧, "expires_in": 3600, "token_type": "Bearer"}
§assistant
I received a token for an hour.
===
§call bash
{"command": "⟦cmd⟧", "timeout": ⟦10-120⟧}
§tool wrap
command not found (exit 127)
===
§user
$ ⟦cmd⟧
it just hangs, why?
§assistant
The host does not answer on that port. Check the firewall first.
===
§tool
+ set -euo pipefail
+ cd /srv/app && git rev-parse HEAD
⟦=x{x39}⟧
+ ⟦cmd⟧
curl: (28) Operation timed out after 30001 milliseconds
===
§user
Use ⟦token⟧ to call the API.
§call http
{"method": "GET", "url": "https://api.corvane.io/v1/me", "headers": {"Authorization": "Bearer ⟦token⟧"}}
§tool
HTTP/1.1 401 Unauthorized
x-request-id: ⟦uuid⟧

{"error":"invalid token ⟦token⟧"}
===
§tool
diff --git a/app/client.py b/app/client.py
index ⟦=a{x6}..b{x6}⟧ 100644
--- a/app/client.py
+++ b/app/client.py
@@ -1⟦1-9⟧,3 +1⟦1-9⟧,3 @@ def client():
-    return Client("⟦token⟧")
+    return Client(os.environ["SERVICE_TOKEN"])
§assistant
The old line leaks a token; it must be revoked.
===
§user
mein Passwort ist ⟦pw⟧ und ich komme trotzdem nicht rein
§assistant
Bitte ändern Sie es gleich; ich brauche es nicht.
===
§user
Login for the staging shop: user ⟦first⟧, password: ⟦pw⟧
§call browser.fill
{"selector": "#login", "fields": {"username": "⟦first⟧", "password": "⟦pw⟧"}, "submit": true}
§tool
navigated to /dashboard in ⟦100-900⟧ ms
===
§user
Le mot de passe du wifi : ⟦pw⟧
Et celui de la base, mot de passe = "⟦pw⟧".
§assistant
C'est noté, je ne les répète pas.
===
§user
La contraseña es: ⟦pw⟧ (usuario admin). ¿Puedes entrar y mirar los logs?
§call ssh
{"host": "10.⟦0-9⟧.0.⟦2-250⟧", "user": "admin", "password": "⟦pw⟧"}
§tool
Permission denied, please try again.
===
§user
here is the deploy key, put it on the runner
⟦pem⟧
§call write_file
{"path": "/home/runner/.ssh/id_deploy", "mode": "0600", "content": "⟦pem⟧\n"}
§tool
written
===
§tool wrap
==> tls/server.key <==
⟦pem⟧
==> tls/ports <==
8443
§assistant
That is the private half; the certificate is in the file beside it.
===
§tool json
{"type": "service_account", "project_id": "⟦~tallow|kestrel|lumbre⟧-⟦=4{d5}⟧", "private_key": "⟦pem⟧\n", "client_id": "⟦=1{d20}⟧"}
§assistant
The file is a service account with its private key.
===
§tool
GET /v2/profile HTTP/1.1
Host: api.quibblewick.com
Authorization: Bearer ⟦jwt⟧
Accept: application/json
User-Agent: okhttp/4.12.0

HTTP/1.1 403 Forbidden
§assistant
The scope in the token does not allow it.
===
§call fetch
{"url": "https://api.thornquay.eu/orders", "headers": {"authorization": "Bearer ⟦jwt⟧", "x-trace": "⟦uuid⟧"}}
§tool json
{"orders": [], "next": null}
===
§user
curl -v -H '⟦basic⟧' https://intranet.local/api — am I doing this right?
§tool
> GET /api HTTP/1.1
> ⟦basic⟧
< HTTP/1.1 200 OK
§assistant
Yes, the header is well formed.
===
§user
Post the summary to ⟦hook⟧ when you are done.
§call http_post
{"url": "⟦hook⟧", "json": {"text": "⟦10-99⟧ tests passed, ⟦1-9⟧ failed"}}
§tool
200 ok
===
§tool
[alerting]
channel = "#ops"
url = "⟦hook⟧"   ; rotated ⟦iso⟧
retries = ⟦1-9⟧
===
§tool
version: "3.8"
services:
  api:
    image: api:⟦ver⟧
    environment:
      - DATABASE_URL=⟦conn⟧
      - MAILER_PASSWORD=⟦secret⟧
    ports: ["⟦3000-9000⟧:8080"]
  queue:
    image: queue:⟦ver⟧
§assistant
The compose file carries a password inside a URL.
===
§user
sqlalchemy.exc.OperationalError: could not connect with ⟦conn⟧
§assistant
The server refuses the connection; is the name right?
===
§tool html
<appSettings><add key="Cs" value="⟦conn⟧" /><add key="Retries" value="⟦1-9⟧" /></appSettings>
<add key="ApiToken" value="⟦token⟧" />
===
§tool
⟦bareip⟧ - - [04/Nov/2025:10:⟦10-59⟧:12 +0000] "GET /cart?id=⟦=4{d5}⟧ HTTP/1.1" 200 ⟦100-9000⟧ "-" "Mozilla/5.0"
⟦bareip⟧ - ⟦first⟧ [04/Nov/2025:10:⟦10-59⟧:13 +0000] "POST /login HTTP/1.1" 401 ⟦100-900⟧ "-" "curl/8.5.0"
10.0.⟦0-9⟧.⟦2-250⟧ - - [04/Nov/2025:10:⟦10-59⟧:13 +0000] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.29"
§assistant
The second client failed to log in.
===
§tool
Nov 04 03:1⟦1-9⟧:22 bastion sshd[⟦1000-30000⟧]: Failed password for root from ⟦bareip⟧ port ⟦1024-65000⟧ ssh2
Nov 04 03:1⟦1-9⟧:25 bastion sshd[⟦1000-30000⟧]: Accepted publickey for ⟦first⟧ from ⟦bareip⟧ port ⟦1024-65000⟧ ssh2
§call ban
{"ip": "⟦ip⟧", "jail": "sshd", "seconds": 86400}
===
§user
I cannot reach the shop from home, my IP is ⟦ip⟧. It worked yesterday.
§call waf.search
{"client_ip": "⟦ip⟧", "since": "⟦iso⟧T00:00:00Z"}
§tool json
{"hits": [{"rule": ⟦=9{d5}⟧, "client": "⟦ip⟧", "forwarded_for": "⟦bareip⟧, 10.0.0.⟦2-250⟧"}]}
===
§user
Is ⟦ip⟧ ours? And (⟦bareip⟧)?
§tool
;; ANSWER SECTION:
shop.marlothcapital.com.  300  IN  A     ⟦ip4⟧
shop.marlothcapital.com.  300  IN  AAAA  ⟦ip6⟧
§assistant
The first one is not ours.
===
§tool
traceroute to shop.kestrelmoor.net (⟦ip4⟧), 30 hops max
 1  fritz.box (192.168.178.1)  0.⟦100-900⟧ ms
 2  ⟦ip4⟧  ⟦4-30⟧.⟦100-900⟧ ms
 3  * * *
 4  core.kestrelmoor.net [⟦ip6⟧]  ⟦10-60⟧.⟦100-900⟧ ms
===
§tool
resource "aws_security_group_rule" "office" {
  type        = "ingress"
  from_port   = 443
  cidr_blocks = ["⟦ip4⟧/32", "10.0.0.0/8"]
  description = "office ⟦city⟧"
}
§assistant
Only the office and the private network may come in.
===
§tool
tcp   ESTAB  0  0   10.1.0.⟦2-250⟧:443    ⟦ip4⟧:⟦1024-65000⟧   users:(("nginx",pid=⟦100-9000⟧,fd=12))
tcp6  ESTAB  0  0   [fd00::7]:443   [⟦ip6⟧]:⟦1024-65000⟧
udp   UNCONN 0  0   127.0.0.53:53  0.0.0.0:*
===
§tool
Received: from mx2.ostsee-optik.de (mx2.ostsee-optik.de [⟦ip4⟧])
	by in.local (Postfix) with ESMTPS id ⟦=4{A9}⟧ for <⟦email⟧>; Tue, 4 Nov 2025 09:00:11 +0100
X-Originating-IP: [⟦bareip⟧]
Return-Path: <⟦email⟧>
§assistant
The message came from the customer's own server.
===
§tool json
{"login": {"ok": false, "user": "⟦email⟧", "ip": "⟦ip⟧", "device": "⟦uuid⟧", "geo": {"lat": ⟦lat⟧, "lon": ⟦lon⟧}}}
§assistant
A new device tried to log in; the owner should confirm it.
===
§tool
author ⟦name⟧ <⟦email⟧> 17⟦=6{d7}⟧ +0100
committer ⟦name⟧ <⟦email⟧> 17⟦=6{d7}⟧ +0100

fix(cache): bump to ⟦ver⟧

Signed-off-by: ⟦name⟧ <⟦email⟧>
===
§user
Write a client for our API. Key ⟦token⟧, region eu.
§assistant
```python
import httpx

client = httpx.Client(headers={"x-api-key": "⟦token⟧"}, timeout=⟦5-60⟧)
```
===
§tool
        "AccessKeyId": "⟦awsid⟧",
        ⟦pair⟧,
        "Expiration": "⟦iso⟧T18:00:00Z"
§assistant
Temporary credentials, valid until the evening.
===
§tool
// build ⟦ver⟧
!function(e,t){e.cfg={region:"eu",k:"⟦token⟧",v:⟦1-9⟧}}(window);var n=0x⟦=f{x5}⟧;
§assistant
The bundle contains a key that anybody can read.
===
§user
Can you check that the mailer's login works? server smtp.tallowfield.org, port 587, user mailer, Passwort: ⟦pw⟧ – danke
§call smtp.login
{"host": "smtp.tallowfield.org", "port": 587, "user": "mailer", "pass": "⟦pw⟧"}
§tool
535 5.7.8 authentication failed
===
§tool
<?php
define('DB_PASSWORD', '⟦pw⟧');
define('WP_DEBUG', false);
$table_prefix = 'wp_';
§assistant
The configuration is committed with a secret in it.
===
§tool
PASS test/auth.test.ts (⟦10-99⟧ tests)
FAIL test/pay.test.ts
  ● pays › with a live key
    expected 200, received 401 (key "⟦token⟧")
      at Object.<anonymous> (test/pay.test.ts:⟦10-99⟧:⟦1-9⟧)
§assistant
A test uses a live key.
===
§tool
ts,src_ip,src_port,dst_ip,dst_port,proto,action
⟦epoch⟧,⟦bareip⟧,⟦1024-65000⟧,10.0.0.⟦2-250⟧,443,tcp,ALLOW
⟦epoch⟧,⟦bareip⟧,⟦1024-65000⟧,10.0.0.⟦2-250⟧,22,tcp,DENY
⟦epoch⟧,⟦ip4⟧,⟦1024-65000⟧,192.168.4.⟦2-250⟧,3389,tcp,DENY
===
§call block_address
{"addresses": ["⟦ip⟧", "⟦bareip⟧"], "reason": "credential stuffing", "ttl": ⟦60-9000⟧}
§tool wrap
iptables -A INPUT -s ⟦ip4⟧ -j DROP
ip6tables -A INPUT -s ⟦ip6⟧ -j DROP
2 rules added
===
§user
Der Router zeigt als öffentliche Adresse ⟦bareip⟧, IPv6 ⟦ip6⟧. Zoom sagt aber, ich sei in ⟦city⟧?
§assistant
Die Zuordnung stammt aus einer Datenbank; mit "⟦bareip⟧" liegt sie oft daneben.
===
§tool
<event id="⟦=4{d3}⟧" time="⟦iso⟧T11:02:03Z"><src ip="⟦bareip⟧" port="⟦1024-65000⟧"/><user>⟦first⟧</user><result>denied</result></event>
<event id="⟦=4{d3}⟧" time="⟦iso⟧T11:02:09Z"><src ip="⟦bareip⟧" port="⟦1024-65000⟧"/><user>⟦first⟧</user><result>ok</result></event>
===
§user
visit http://⟦ip4⟧:8080/status and http://[⟦ip6⟧]/ and tell me which one answers
§call fetch
{"url": "http://⟦ip4⟧/status?full=1"}
§tool
connect ECONNREFUSED ⟦ip4⟧:80
"""
