"""Keys and passwords: by the forms that their providers publish, and by what stands before them."""

import re
from collections.abc import Iterator

from curation.privacy.cues import in_small_letters

# what a provider's scanners and ours tell a key by: a prefix of its own, then its alphabet and length
_FORMS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, OpenRouter, DeepSeek
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}"  # Stripe
    r"|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}"  # GitHub
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{20,}"  # GitLab
    r"|xox[abeprs]-[\w-]{10,}|xapp-\d-[\w-]{20,}"  # Slack
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{28}"  # Google
    r"|SG\.[\w-]{16,32}\.[\w-]{16,64}|key-[0-9a-f]{32}|SK[0-9a-f]{32}"  # SendGrid, Mailgun, Twilio
    r"|do[opr]_v1_[0-9a-f]{64}|dapi[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"  # DigitalOcean, Databricks, Shopify
    r"|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|rubygems_[0-9a-f]{48}|dckr_pat_[\w-]{20,}"
    r"|gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37}|xai-[\w-]{60,}|pplx-[A-Za-z0-9]{40,}"  # Groq, Replicate, xAI, Perplexity
    r"|lin_api_[A-Za-z0-9]{32,}|secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,}|figd_[\w-]{40,}"  # Linear, Notion, Figma
    r"|hv[sbr]\.[\w-]{24,}|glsa_[A-Za-z0-9_]{32,}|NRAK-[A-Z0-9]{27}|sq0(?:atp|csp)-[\w-]{22,43}"  # Vault, Grafana ...
    r"|AGE-SECRET-KEY-1[A-Z0-9]{58}|\d{8,10}:AA[\w-]{33}|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}"  # Telegram, Discord
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"  # JSON web tokens (RFC 7519)
    r")(?![A-Za-z0-9])"
)
_CROSSED = re.compile(r"[xX]{8}")
_HOOKS = re.compile(
    r"hooks\.slack\.com/services/(T\w{6,}/B\w{6,}/\w{16,})|discord(?:app)?\.com/api/webhooks/(\d{17,20}/[\w-]{50,})"
)
_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|(?:api|secret|private|signing|encryption)[_-]?key|secret[_-]?access[_-]?key"
    r"|(?:client|app|shared)?[_-]?secret|(?:auth|access|refresh|session|security|bearer|api)[_-]?token|account[_-]?key"
)
_ASSIGNED = re.compile(
    rf"(?:{_NAMES})(?:\\?[\"'])?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}"
    r"(?:(?:\\?[\"'])([^\s\"'\\]{6,256})|([^\s\"',;&{}\\]{6,256}))"
)  # of the text in small letters: several times faster than a pattern that passes over case
_NAMED = re.compile(rf"(?i)(?:^|[^a-z])(?:{_NAMES})$")
_HEADER = re.compile(
    r"(?:(?<![a-z])bearer\s{1,3}([a-z0-9._~+/-]{16,4096}=*)"  # RFC 6750
    r"|(?<![a-z])authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?basic\s{1,3}([a-z0-9+/]{8,4096}={0,2}))"  # RFC 7617
)
_URI = re.compile(r"://[^\s:/@\"'<>]{0,64}:([^\s/@\"'<>]{3,128})@(?=[\w\[])")  # RFC 3986 3.2.1
_SIGNED = re.compile(r"(?<=[?&;])(?:sig|X-Amz-Signature|X-Goog-Signature)=([\w%+/=-]{20,})")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_LENGTH = 16_000
_CODE = re.compile(r"[()\[\]]|^[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+$")
_REFERENCE = re.compile(r"^=|^@|^arn:|^projects/|^/[a-z/._-]+$")
# most of it left out or crossed out: `sk-...`, `ghp_xxxxxxxx`, `sk_live_****1234`, `<token>` behind a prefix
_LEFT_OUT = re.compile(r"\.{3}|…|\*{3}|•{3}|[xX]{6}|(?:^|[-_])[xX]{3,}$")
_BRACKETS = re.compile(r"^(?:[a-z0-9]{1,12}[-_]){0,4}(?:<|\[[^\[\]]{0,60}\]$|\{[^{}]{0,60}\}$)")
_NOT_WORD = re.compile(r"[^A-Za-z_-]")
_IN_A_QUERY = ("?", "&")  # a value there is no name of a variable
_DIGIT = re.compile(r"\d")
_EMPTY_STARTS = ("<", "$", "%", "{", "[", "os.", "env(", "env.", "env[", "env:", "env_", "none", "null", "true", "false", "your",
                 "example", "undefined", "redacted", "process.", "insert", "replace_", "replace-", "change_me",
                 "placeholder")  # fmt: skip
_EMPTY = frozenset({"string", "required", "optional", "password", "secret", "passwd", "hidden", "invalid", "incorrect",
                    "missing", "changed", "expired", "correct", "forgotten"})  # fmt: skip


def keys(text: str) -> Iterator[tuple[int, int]]:
    """Where keys and passwords stand. Of what is assigned or sent in a header, the value alone."""
    yield from _blocks(text)
    yield from (match.span() for match in _FORMS.finditer(text) if not _CROSSED.search(match.group()))
    if "://" in text:
        yield from (match.span(1) for match in _URI.finditer(text) if not is_a_placeholder(match.group(1)))
        yield from (match.span(match.lastindex or 0) for match in _HOOKS.finditer(text))
        yield from (match.span(1) for match in _SIGNED.finditer(text))
    small = in_small_letters(text)
    for match in _HEADER.finditer(small) if "bearer" in small or "basic" in small else ():
        start, end = match.span(match.lastindex or 0)
        if _DIGIT.search(text, start, end) and not is_a_placeholder(text[start:end]):
            yield start, end
    for match in _ASSIGNED.finditer(small):
        if small[match.start() - 1 : match.start()].isalpha() and not text[match.start()].isupper():
            continue  # the end of another word, unless it is one of camel case
        start, end = match.span(match.lastindex or 0)
        value = text[start:end]
        if is_a_value(value) and (
            match.lastindex == 1
            or (
                not _CODE.search(value)
                and (_NOT_WORD.search(value) or text[match.start() - 1 : match.start()] in _IN_A_QUERY)
            )
        ):
            yield start, end


def is_named(key: str) -> bool:
    """Whether a field of this name holds a password or a key."""
    return _NAMED.search(key) is not None


def is_a_value(text: str) -> bool:
    """Whether the content of such a field is a key, and neither a placeholder nor a reference to one."""
    return len(text) >= 6 and not is_a_placeholder(text) and not _REFERENCE.search(text)


def is_a_placeholder(value: str) -> bool:
    """Whether something stands there instead of a secret."""
    lowered = value.lower().strip("\"'.,")
    if _LEFT_OUT.search(value) or _BRACKETS.search(lowered):
        return True
    return set(lowered) <= set("*x.•-_…") or lowered.startswith(_EMPTY_STARTS) or lowered in _EMPTY


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Private keys in textual form (RFC 7468); one without an end is its first line."""
    if "PRIVATE KEY" not in text:
        return
    for begin in _PEM.finditer(text):
        end = _PEM_END.search(text, begin.end(), begin.end() + _PEM_LENGTH)
        yield begin.start(), end.end() if end else begin.end()
