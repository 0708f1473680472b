"""Clean scenes of the fourth corpus from operations: private addresses, versions, sums of files, placeholders in settings."""

import json
from collections.abc import Callable

from benchmarks.pii_corpora.fourth_keys import based
from benchmarks.pii_corpora.fourth_trace import Trace


def version(t: Trace, parts: int = 3) -> str:
    """A version with so many parts."""
    return ".".join(str(t.between(0, 30)) for _ in range(parts))


def private_access_log(t: Trace) -> None:
    """A log of a web server inside a network."""
    lines = [
        (
            f'{t.pick(t.host(), "127.0.0.1", "::1")} - - [{t.when("%d/%b/%Y:%H:%M:%S +0000")}] "GET '
            f'{t.pick("/healthz", "/metrics", "/api/orders/" + t.num(7))} HTTP/1.1" {t.pick("200", "503")} '
            f'{t.between(2, 9000)} "-" '
            f'"'
            f"{t.pick('kube-probe/1.29', 'Prometheus/2.51.2', 'Mozilla/5.0 (X11; Linux) Chrome/126.0.0.0 Safari/537.36')}"
            f'"'
        )
        for _ in range(t.between(2, 6))
    ]
    t.tool("bash", {"command": "tail -n 6 access.log"}, "\n".join(lines))
    t.says("Only probes, all from inside.")


def pods(t: Trace) -> None:
    """Pods and their addresses."""
    rows = [
        (
            f"{t.pick('api', 'worker', 'cron')}-{t.hexed(10)}-{t.hexed(5)}   1/1   "
            f"{t.pick('Running', 'CrashLoopBackOff')}   {t.between(0, 40)}   {t.between(1, 90)}d   "
            f"10.{t.between(40, 50)}.{t.between(0, 255)}.{t.between(1, 255)}   node-{t.between(1, 20)}"
        )
        for _ in range(t.between(2, 7))
    ]
    t.user("Which pods restart?", "Are all pods up?")
    t.tool(
        "kubectl",
        {"args": "get pods -o wide"},
        "NAME   READY   STATUS   RESTARTS   AGE   IP   NODE\n" + "\n".join(rows),
    )
    t.says("One pod restarts again and again.")


def images(t: Trace) -> None:
    """Images and their digests."""
    rows = [
        (
            f"registry.internal/{t.pick('api', 'web', 'etl')}   {version(t)}   sha256:{t.hexed(64)}   "
            f"{t.between(1, 30)} days ago   {t.between(40, 900)}MB"
        )
        for _ in range(t.between(1, 5))
    ]
    t.tool(
        "bash", {"command": "docker images --digests"}, "REPOSITORY   TAG   DIGEST   CREATED   SIZE\n" + "\n".join(rows)
    )
    t.says("The newest image is two days old.")


def deploy_log(t: Trace) -> None:
    """The log of a rollout."""
    t.tool(
        "get_deploy_log",
        {"deployment": t.uuid()},
        (
            f"{t.when()} INFO  release {t.hexed(7)} (v{version(t)}) to {t.pick('staging', 'production')}\n"
            f"{t.when()} INFO  migrating 0{t.num(3)}_add_index ... OK ({t.price(30)}s)\n"
            f"{t.when()} INFO  replicas {t.between(2, 9)}/{t.between(2, 9)} ready, request_id={t.uuid()}\n"
            f"{t.when()} INFO  done, build #{t.num(5)} artefact {t.hexed(40)}\n"
        ),
    )
    t.says("The release is out.")


def interfaces(t: Trace) -> None:
    """Interfaces of a machine."""
    t.tool(
        "bash",
        {"command": "ip addr"},
        (
            f"1: lo: <LOOPBACK,UP> mtu 65536\n"
            f"    inet 127.0.0.1/8 scope host lo\n"
            f"    inet6 ::1/128 scope host\n"
            f"2: eth0: <BROADCAST,UP> mtu 1500\n"
            f"    link/ether {':'.join(t.hexed(2) for _ in range(6))} brd ff:ff:ff:ff:ff:ff\n"
            f"    inet {t.host()}/24 scope global eth0\n"
            f"    inet6 fe80::{t.hexed(4)}:{t.hexed(2)}ff:fe{t.hexed(2)}:{t.hexed(4)}/64 scope link\n"
        ),
    )
    t.says("The machine has one private address.")


def metrics(t: Trace) -> None:
    """Metrics as text."""
    t.tool(
        "http_get",
        {"url": "http://localhost:9090/metrics"},
        "\n".join(
            (
                f'{t.pick("http_requests_total", "process_cpu_seconds_total", "queue_depth")}{{instance="{t.host()}'
                f':9100",code="{t.pick("200", "500")}"}} {t.chance.uniform(0, 10**9):.3f} '
                f"{t.between(1_690_000_000_000, 1_760_000_000_000)}"
            )
            for _ in range(t.between(2, 8))
        ),
    )
    t.says("The queue grows.")


def installed(t: Trace) -> None:
    """Packages and their versions."""
    names = ("django", "numpy", "urllib3", "cryptography", "pydantic-core", "psycopg", "token-bucket", "passlib")
    t.tool(
        "bash",
        {"command": "pip freeze"},
        "\n".join(f"{name}=={version(t, 2 + t.between(0, 2))}" for name in t.chance.sample(names, t.between(3, 8))),
    )
    t.says("Two packages are behind.")


def lock_file(t: Trace) -> None:
    """A lock with sums."""
    name = t.pick("lodash", "react", "vite", "left-pad")
    v = version(t)
    t.tool(
        "bash",
        {"command": f"grep -A4 {name} package-lock.json"},
        (
            f'    "node_modules/{name}": {{\n'
            f'      "version": "{v}",\n      "resolved": "https://registry.internal/{name}/-/{name}-{v}.tgz",\n'
            f'      "integrity": "sha512-{based(t.chance, 64)}",\n'
            f'      "engines": {{"node": ">=18.0.0"}}\n'
            f"    }}\n# {name}@{v} requires @types/node@{version(t)}"
        ),
    )
    t.says(f"{name}@{v} is locked.")


def resources(t: Trace) -> None:
    """Things of a cloud and their names."""
    t.tool(
        "aws",
        {"args": "resourcegroupstaggingapi get-resources"},
        {
            "Resources": [
                {
                    "ARN": (
                        f"arn:aws:{t.pick('lambda', 'sqs', 'rds')}:eu-central-1:{t.num(12)}"
                        f":{t.pick('function:bill', 'orders-dlq', 'db:main')}"
                    ),
                    "Id": f"{t.pick('vpc', 'subnet', 'sg', 'i')}-0{t.hexed(16)}",
                    "Cidr": t.pick("10.0.0.0/16", "172.16.0.0/12", "0.0.0.0/0"),
                }
                for _ in range(t.between(1, 4))
            ]
        },
    )
    t.says("All of them carry a tag.")


def spans(t: Trace) -> None:
    """Spans of a request."""
    t.tool(
        "get_spans",
        {"traceId": t.hexed(32)},
        {
            "spans": [
                {
                    "traceId": t.hexed(32),
                    "spanId": t.hexed(16),
                    "name": t.pick("SELECT orders", "POST /pay", "cache.get"),
                    "startTimeUnixNano": str(t.between(1_690_000_000, 1_760_000_000) * 10**9),
                    "attributes": {
                        "net.peer.ip": t.host(),
                        "thread.id": t.between(1, 99999),
                        "llm.usage.total_tokens": t.between(10, 9000),
                    },
                }
                for _ in range(t.between(1, 4))
            ]
        },
    )
    t.says("The query to the database takes longest.")


def sums(t: Trace) -> None:
    """Sums of files."""
    size = t.chance.choice((32, 40, 64, 128))
    t.tool(
        "bash",
        {"command": {32: "md5sum *", 40: "sha1sum *", 64: "sha256sum *", 128: "sha512sum *"}[size]},
        "\n".join(
            f"{t.hexed(size)}  {t.pick('dump', 'release', 'photos')}-{t.num(8)}.tar.gz" for _ in range(t.between(1, 6))
        ),
    )
    t.says("The sums agree.")


def listing(t: Trace) -> None:
    """Files in a folder."""
    t.tool(
        "bash",
        {"command": "ls -l backups"},
        "\n".join(
            (
                f"-rw-r----- 1 backup backup {t.between(1000, 10**10):>11} {t.when('%b %d %H:%M')} "
                f"{t.pick('orders', 'users', 'phones', 'tokens')}_{t.when('%Y%m%d%H%M%S')}.sql.gz"
            )
            for _ in range(t.between(2, 7))
        ),
    )
    t.says("The newest backup is from last night.")


def four_parts(t: Trace) -> None:
    """Versions of four parts beside the word for it."""
    v = version(t, 4)
    text = t.pick(
        f"Newtonsoft.Json, Version={v}, Culture=neutral, PublicKeyToken=30ad4fe6b2a6aeed",
        f"driver version {v} installed, previous version {version(t, 4)}",
        f"Firmware-Version: {v}",
        f"Build {v} (release)",
        f'AssemblyVersion("{v}")',
        f"app version: {v}, min. version {version(t, 4)}",
        f"Upgraded from v{v} to v{version(t, 4)}",
        f"<Version>{v}</Version>",
        f'{{"name": "agent", "version": "{v}"}}',
    )
    t.tool("bash", {"command": "show version"}, text)
    t.says(f"It runs version {v}.", "That is not the newest version.")


def cursor(t: Trace) -> None:
    """Marks of pages."""
    t.tool(
        "list_objects",
        {"bucket": "exports", "max_keys": 2},
        {
            "Contents": [
                {
                    "Key": f"exports/{t.when('%Y/%m/%d')}/part-{t.num(5)}.parquet",
                    "ETag": f'"{t.hexed(32)}"',
                    "Size": t.between(100, 10**8),
                }
            ],
            "IsTruncated": True,
            t.pick("nextCursor", "next_page", "after"): based(t.chance, 24),
        },
    )
    t.says("There are more pages.")


def cron(t: Trace) -> None:
    """Tables of times."""
    t.tool(
        "bash",
        {"command": "crontab -l"},
        (
            f"{t.between(0, 60)} {t.between(0, 24)} * * * /opt/jobs/backup.sh --keep {t.between(3, 30)}\n"
            f"*/{t.between(2, 30)} * * * * /opt/jobs/rotate_tokens.sh >> /var/log/rotate.log 2>&1\n"
            f"# epoch {t.between(1_690_000_000, 1_760_000_000)}, pid {t.num(6)}"
        ),
    )
    t.says("The backup runs once a day.")


def model_usage(t: Trace) -> None:
    """Counts of tokens."""
    t.tool(
        "usage_report",
        {"day": t.when("%Y-%m-%d")},
        json.dumps(
            {
                "model": "large-2",
                "prompt_tokens": t.between(100, 99999),
                "completion_tokens": t.between(10, 9999),
                "total_tokens": t.between(1000, 999999),
                "max_tokens": 4096,
                "token_limit": 128000,
                "cost_usd": t.price(40),
            }
        ),
    )
    t.says(f"Token use: {t.between(1, 99)},{t.num(3)} in, {t.num(3)} out.")


OPS_CLEAN: tuple[Callable[[Trace], None], ...] = (
    private_access_log, pods, images, deploy_log, interfaces, metrics, installed, lock_file, resources, spans,
    sums, listing, four_parts, cursor, cron, model_usage,
)  # fmt: skip
