"""Scenes of the fifth corpus with addresses of machines: logs, clouds, networks."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.fifth_values import B62, chars

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.7339.{} Safari/537.36"


def nginx(s: Sheet) -> None:
    text = ""
    for _ in range(s.num(2, 4)):
        ip = s.ip("access log") if s.r.random() < 0.8 else s.ip6("access log, v6")
        text += (
            f'{ip} - - [11/Feb/2026:{s.clock()} +0000] "GET /{s.pick("", "api/v2/items", "wp-login.php")} HTTP/1.1" '
        )
        text += f'{s.pick(200, 404, 499)} {s.num(100, 9999)} "-" "{AGENT.format(s.num(10, 200))}"\n'
    s.user("Who hammers us?")
    s.shell("tail -4 /var/log/nginx/access.log", text)
    s.say("Nobody stands out in the last lines.")


def sshd(s: Sheet) -> None:
    when = f"Feb {s.num(10, 28)} {s.clock()} bastion sshd[{s.num(900, 30000)}]: "
    text = (
        f"{when}Failed password for invalid user {s.pick('admin', 'oracle', 'pi')} from {s.ip('sshd log')} port {s.num(30000, 65000)} ssh2\n"
        f"{when}Accepted publickey for deploy from {s.ip('sshd log')} port {s.num(30000, 65000)} ssh2: ED25519 SHA256:{s.hex(43)}\n"
        f"{when}Connection closed by authenticating user root {s.ip('sshd log')} port {s.num(30000, 65000)} [preauth]\n"
    )
    s.shell("journalctl -u ssh -n 3", text)
    s.say("One good login, two refused.")


def cloudtrail(s: Sheet) -> None:
    event = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "ci", "accountId": s.digits(12)},
        "eventTime": s.stamp(),
        "eventName": s.pick("ConsoleLogin", "PutObject", "AssumeRole"),
        "sourceIPAddress": s.ip("sourceIPAddress of CloudTrail"),
        "userAgent": "aws-cli/2.17.4",
        "responseElements": None,
    }
    s.tool(
        "aws_cli",
        {"args": ["cloudtrail", "lookup-events", "--max-items", "1"]},
        {"Events": [{"CloudTrailEvent": s.json(event, None)}]},
    )
    s.say("One event.")


def kubectl_svc(s: Sheet) -> None:
    text = (
        "NAME      TYPE           CLUSTER-IP     EXTERNAL-IP       PORT(S)                      AGE\n"
        f"api       ClusterIP      10.96.{s.num(0, 255)}.{s.num(2, 254)}   <none>            8080/TCP                     {s.num(2, 90)}d\n"
        f"ingress   LoadBalancer   10.96.{s.num(0, 255)}.{s.num(2, 254)}   {s.ip('EXTERNAL-IP of kubectl')}    80:31{s.num(100, 999)}/TCP,443:30{s.num(100, 999)}/TCP   {s.num(2, 90)}d\n"
    )
    s.shell("kubectl get svc -n edge", text)
    s.say("The balancer is up.")


def terraform(s: Sheet) -> None:
    text = (
        f'Apply complete! Resources: {s.num(1, 9)} added, 0 changed, 0 destroyed.\n\nOutputs:\n\nbastion_ip = "{s.ip("output of terraform")}"\n'
        f'nat_ips = [\n  "{s.ip("output of terraform")}",\n  "{s.ip("output of terraform")}",\n]\nvpc_id = "vpc-0{s.hex(16)}"\n'
    )
    s.shell("terraform apply -auto-approve | tail", text)
    s.say("Applied.")


def dig(s: Sheet) -> None:
    text = (
        f";; ANSWER SECTION:\n{s.domain}.\t\t300\tIN\tA\t{s.ip('A record')}\n{s.domain}.\t\t300\tIN\tAAAA\t{s.ip6('AAAA record')}\n"
        f'{s.domain}.\t\t3600\tIN\tTXT\t"v=spf1 ip4:{s.ip("SPF record")} -all"\n\n;; Query time: {s.num(1, 90)} msec\n;; SERVER: 127.0.0.53#53\n'
    )
    s.shell(f"dig {s.domain} any", text)
    s.say("It has both.")


def flow_logs(s: Sheet) -> None:
    text = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    for _ in range(2):
        text += f"2 {s.digits(12)} eni-0{s.hex(16)} {s.ip('flow log')} {s.private()} {s.num(1025, 65000)} 443 6 {s.num(1, 90)} {s.num(100, 9999)} 17707{s.num(10000, 99999)} 17707{s.num(10000, 99999)} {s.pick('ACCEPT', 'REJECT')} OK\n"
    s.shell("zcat flow.log.gz | head -3", text)
    s.say("Both go to the balancer.")


def security_group(s: Sheet) -> None:
    ip = s.ip("CIDR of a rule")
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": f"{ip}/32", "Description": "office"}],
    }
    s.user("open ssh for the office only")
    s.tool("authorize_ingress", {"GroupId": f"sg-0{s.hex(16)}", "IpPermissions": [rule]}, {"Return": True})
    s.say("Port 22 is open for the office.")


def ufw(s: Sheet) -> None:
    text = (
        "Status: active\n\nTo                         Action      From\n--                         ------      ----\n"
        f"22/tcp                     ALLOW IN    {s.ip('ufw status')}\n80,443/tcp                 ALLOW IN    Anywhere\n"
        f"Anywhere                   DENY IN     {s.ip('ufw status')}\n22/tcp (v6)                ALLOW IN    {s.ip6('ufw status, v6')}\n"
    )
    s.shell("ufw status verbose", text)
    ban = s.ip("fail2ban")
    s.shell(
        "tail -1 /var/log/fail2ban.log",
        f"{s.day()} {s.clock()},{s.num(100, 999)} fail2ban.actions [512]: NOTICE [sshd] Ban {ban}",
    )
    s.say("Rules and bans are in place.")


def traceroute(s: Sheet) -> None:
    text = f"traceroute to {s.domain} ({s.ip('target of traceroute')}), 30 hops max, 60 byte packets\n 1  _gateway (192.168.1.1)  0.4 ms\n"
    text += f" 2  {s.ip('hop without name')}  {s.num(3, 9)}.1 ms\n 3  ae{s.num(1, 9)}.cr1.{s.pick('fra', 'ams')}.{s.domain} ({s.ip('hop in brackets')})  12.{s.num(100, 999)} ms\n 4  * * *\n"
    s.shell(f"traceroute {s.domain}", text)
    s.say("It stops after the third hop.")


def wireguard(s: Sheet) -> None:
    key = chars(s.r, B62 + "+/", 42) + s.pick("A=", "E=", "I=", "M=", "g=", "k=")
    text = (
        f"[Interface]\nPrivateKey = {s.key('WireGuard PrivateKey', key)}\nAddress = 10.8.0.{s.num(2, 200)}/24\nDNS = 10.8.0.1\n\n[Peer]\n"
        f"PublicKey = {chars(s.r, B62 + '+/', 42)}Y=\nEndpoint = {s.ip('WireGuard endpoint')}:51820\nAllowedIPs = 10.8.0.0/24\n"
    )
    s.read("/etc/wireguard/wg0.conf", text)
    s.say("One peer.")


def sockets(s: Sheet) -> None:
    text = (
        "State  Recv-Q Send-Q  Local Address:Port     Peer Address:Port\n"
        f"ESTAB  0      0       {s.private()}:22       {s.ip('peer of ss')}:{s.num(30000, 65000)}\n"
        f"ESTAB  0      36      [{s.ip6('local address of ss, v6')}]:443   [{s.ip6('peer of ss, v6')}]:{s.num(30000, 65000)}\n"
        f"CLOSE-WAIT 1  0       {s.private()}:8080     ::ffff:{s.ip('mapped into v6')}:{s.num(30000, 65000)}\n"
    )
    s.shell("ss -tn", text)
    s.shell("last -2", f"deploy   pts/0        {s.ip('last')}   Wed Feb 11 09:1{s.num(0, 9)}   still logged in\n")
    s.say("Three sockets, one of them half closed.")


def geoip(s: Sheet) -> None:
    ip = s.ip("argument of a look-up")
    s.tool(
        "geoip",
        {"ip": ip},
        {"country": s.pick("PL", "BR", "VN"), "asn": f"AS{s.digits(5)}", "org": s.company, "risk": s.num(0, 100)},
    )
    s.say("It is a hosting network.")


def refused(s: Sheet) -> None:
    ip = s.ip("address in an exception")
    text = s.pick(
        f"java.net.ConnectException: Connection timed out: /{ip}:9092\n\tat sun.nio.ch.Net.pollConnect(Native Method)\n",
        f"requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='{ip}', port=8080): Max retries exceeded with url: /health\n",
        f"Error: connect ECONNREFUSED {ip}:5432\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)\n",
        f"dial tcp {ip}:443: i/o timeout\n",
        f"ssh: connect to host {ip} port 22: No route to host\n",
    )
    s.user("what's wrong here\n```\n" + text + "```")
    s.say("The machine does not answer on that port; check its firewall.")


def login_notice(s: Sheet) -> None:
    line = s.pick(
        "IP address: {}",
        "IP-Adresse: {}",
        "Adresse IP : {}",
        "IP: {} (approx. Porto)",
        "Desde la IP {}.",
        "from {}, Firefox on Windows",
    )
    mail = (
        "New sign-in to your account\n\nWhen: "
        + s.stamp()
        + "\n"
        + line.format(s.ip("notice of a sign-in"))
        + "\n\nIf this was you, do nothing.\n"
    )
    s.tool("mail_read", {"uid": s.num(100, 9000)}, {"subject": "New sign-in", "text": mail})
    s.say("A notice of a sign-in.")


def create_server(s: Sheet) -> None:
    found = {
        "server": {
            "id": s.num(10**6, 10**8),
            "name": f"web-{s.num(1, 9)}",
            "status": "initializing",
            "public_net": {
                "ipv4": {"ip": s.ip("public_net of a server"), "blocked": False},
                "ipv6": {"ip": s.ip6("public_net of a server, v6") + "/64"},
            },
            "private_net": [{"ip": s.private()}],
            "image": "debian-13",
        },
        "root_password": None,
    }
    s.tool("hcloud_server_create", {"name": found["server"]["name"], "type": "cx22"}, found)
    s.say("The server starts.")


def forwarded(s: Sheet) -> None:
    text = (
        f"> GET /whoami HTTP/2\n> Host: {s.domain}\n> X-Forwarded-For: {s.ip('X-Forwarded-For')}, {s.private()}\n> X-Real-IP: {s.ip('X-Real-IP')}\n"
        f"< HTTP/2 200\n< cf-ray: {s.hex(16)}-FRA\n< x-envoy-upstream-service-time: {s.num(1, 99)}\n"
    )
    s.shell(f"curl -v https://{s.domain}/whoami", text)
    s.say("The proxy passes the client on.")


def inventory(s: Sheet) -> None:
    text = f"[web]\nweb1 ansible_host={s.ip('inventory of ansible')} ansible_user=deploy\nweb2 ansible_host={s.ip('inventory of ansible')}\n\n[db]\ndb1 ansible_host={s.private()}\n"
    s.read("hosts.ini", text)
    s.shell(
        "cat ~/.ssh/config",
        f"Host prod\n  HostName {s.ip('HostName of ssh')}\n  User ubuntu\n  IdentityFile ~/.ssh/prod\n",
    )
    s.say("Two web machines.")


def zone(s: Sheet) -> None:
    text = f"$ORIGIN {s.domain}.\n$TTL 3600\n@   IN SOA ns1 hostmaster 2026021101 7200 3600 1209600 300\nwww IN A {s.ip('zone file')}\n    IN AAAA {s.ip6('zone file, v6')}\nmx1 IN A {s.ip('zone file')}\n"
    s.read(f"zones/{s.domain}", text)
    s.say("www and mx1 are set.")


def json_log(s: Sheet) -> None:
    name = s.pick("client_ip", "remote_addr", "ip", "ClientIP", "src_ip", "remoteAddress", "x_forwarded_for")
    ip = s.ip(f"field {name}") if s.r.random() < 0.75 else s.ip6(f"field {name}, v6")
    line = {
        "ts": s.stamp(),
        "level": "info",
        "msg": "request",
        "path": "/v1/pay",
        name: ip,
        "dur_ms": s.num(1, 900),
        "trace_id": s.hex(32),
    }
    s.tool(
        "loki_query",
        {"query": '{app="pay"} |= "request"', "limit": 1},
        {"data": {"result": [{"values": [[str(s.num(10**18, 2 * 10**18)), s.json(line, None)]]}]}},
    )
    s.say("One line found.")


def url_address(s: Sheet) -> None:
    where = s.pick(
        f"http://{s.ip('host of a URL')}:{s.pick(8080, 3000, 9000)}/health",
        f"https://[{s.ip6('host of a URL, v6')}]:8443/status",
    )
    kept = s.planted[-1] if s.planted[-1].value in where else s.planted[-2]
    s.planted[:] = [kept]
    s.user(f"Is {where} up?")
    s.tool("http_get", {"url": "as given"}, {"status": 200, "body": "ok"})
    s.say("Yes, it answers with 200.")


def said_address(s: Sheet) -> None:
    said = s.pick(
        "Can you block {} at the firewall?", "my public ip is {} btw", "whitelist {}, please", "Der Server {} antwortet nicht.",
        "l'adresse {} est bloquée", "ping {} works from home", "the player from ({}) cheats", "add `{}` to the allow list",
        "rsync everything to root@{}:/srv", "es kommen Anfragen von {}; wer ist das?",
    )  # fmt: skip
    s.user(said.format(s.ip("said by a user")))
    s.tool("firewall_list", {"zone": "edge"}, {"rules": [{"id": s.num(1, 99), "from": s.private(), "action": "allow"}]})
    s.say("I will look.")


def docker_inspect(s: Sheet) -> None:
    text = f'"HostConfig": {{ "PortBindings": {{ "443/tcp": [ {{ "HostIp": "{s.ip("HostIp of docker")}", "HostPort": "443" }} ] }} }},\n"IPAddress": "172.17.0.{s.num(2, 99)}"'
    s.shell("docker inspect edge", text)
    s.shell(
        "ip -br addr",
        f"lo    UNKNOWN  127.0.0.1/8 ::1/128\neth0  UP  {s.ip('ip addr')}/24 {s.ip6('ip addr, v6')}/64 fe80::{s.hex(4)}:{s.hex(4)}/64\n",
    )
    s.say("Bound to the outer address.")


def gcloud(s: Sheet) -> None:
    text = (
        "NAME     ZONE            MACHINE_TYPE  INTERNAL_IP  EXTERNAL_IP     STATUS\n"
        f"build-1  europe-west3-a  e2-medium     10.156.0.{s.num(2, 90)}   {s.ip('EXTERNAL_IP of gcloud')}  RUNNING\nbuild-2  europe-west3-a  e2-medium     10.156.0.{s.num(91, 250)}                 TERMINATED\n"
    )
    s.shell("gcloud compute instances list", text)
    csv = f"time,user_id,ip_address,action\n{s.stamp()},{s.num(10, 999)},{s.ip('column of a CSV')},login\n{s.stamp()},{s.num(10, 999)},{s.ip6('column of a CSV, v6')},export\n"
    s.read("audit.csv", csv)
    s.say("One machine runs.")


SCENES = (
    (nginx, 4), (sshd, 3), (cloudtrail, 2), (kubectl_svc, 2), (terraform, 2), (dig, 2), (flow_logs, 1), (security_group, 2),
    (ufw, 1), (traceroute, 1), (wireguard, 1), (sockets, 1), (geoip, 2), (refused, 4), (login_notice, 2), (create_server, 2),
    (forwarded, 2), (inventory, 2), (zone, 1), (json_log, 4), (url_address, 2), (said_address, 4), (docker_inspect, 1), (gcloud, 1),
)  # fmt: skip
