"""What stands where a secret is due: the secret, or something in its place such as a placeholder, code or a reference."""

import re

_CODE = re.compile(r"[()\[\]]|^[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+$")
_REFERENCE = re.compile(r"^=|^@|^arn:|^projects/|^/[a-z/._-]+$")
# most of it left out or crossed out: `sk-...`, `ghp_xxxxxxxx`, `sk_live_****1234`, `<token>` behind a prefix
_LEFT_OUT = re.compile(r"\.{3}|…|\*{3}|•{3}|[xX]{6}|(?:^|[-_])[xX]{3,}$")
_BRACKETS = re.compile(r"^(?:[a-z0-9]{1,12}[-_]){0,4}(?:<|\[[^\[\]]{0,60}\]$|\{[^{}]{0,60}\}$)")
_EMPTY_STARTS = ("<", "$", "%", "{", "[", "os.", "env(", "env.", "env[", "env:", "env_", "none", "null", "true", "false", "your",
                 "example", "undefined", "redacted", "process.", "insert", "replace_", "replace-", "change_me",
                 "changeme", "change-me", "placeholder")  # fmt: skip
_EMPTY = frozenset({"string", "required", "optional", "password", "secret", "passwd", "hidden", "invalid", "incorrect",
                    "missing", "changed", "expired", "correct", "forgotten"})  # fmt: skip
_NOT_WORD = re.compile(r"[^A-Za-z_-]")
_CAMEL = re.compile(r"[a-z][A-Z]")
_DRAWN = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?=\D*\d)[\w+/=.~-]{16,}")
_COMPOUND = re.compile(r"(?:[a-z]+|\d+)(?:[_./-](?:[a-z]+|\d+))+")  # a name such as `customer_42_primary`
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# a password in a sentence: letters, and a digit or a sign that no word has inside
_CHOSEN = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?:\D*\d|.*[!#$%*+=?^~@&].*\w)")
_NO_PASSWORD = re.compile(
    r"(?i)^(?:https?://|\d+-[a-z-]+$|\d+(?:th|st|nd|rd|px|ms|min|h|x)$|(?:sha|md|aes|rsa|utf|base|bcrypt|argon|pbkdf|oauth)-?\d"
    r"|[\w.+-]+@[\w-]+\.[a-z.]+$)"
)


def is_a_value(text: str) -> bool:
    """Whether the content of a field for a secret is one, and neither a placeholder nor a reference to one."""
    return len(text) >= 6 and not is_a_placeholder(text) and not _REFERENCE.search(text)


def is_a_placeholder(value: str) -> bool:
    """Whether something stands there instead of a secret."""
    lowered = value.lower().strip("\"'.,")
    if _LEFT_OUT.search(value) or _BRACKETS.search(lowered):
        return True
    return set(lowered) <= set("*x.•-_…") or lowered.startswith(_EMPTY_STARTS) or lowered in _EMPTY


def is_code(value: str) -> bool:
    """Whether a value without quotes is an expression: a call, an index, an attribute."""
    return _CODE.search(value) is not None


def is_no_word(value: str) -> bool:
    """Whether it holds a sign that names and words have not; what ends a sentence does not count."""
    return _NOT_WORD.search(value.rstrip(".,:?*)")) is not None


def is_written_out(value: str) -> bool:
    """The same where there is no code, so that what reads like an attribute or a name is a value, too."""
    return "(" not in value and (is_no_word(value) or _CAMEL.search(value) is not None)


def is_drawn(value: str, least: int = 16) -> bool:
    """Whether it is long, of letters and digits, and neither a name of several words, a UUID nor an expression."""
    if len(value) < least or not _DRAWN.fullmatch(value):
        return False
    return not (_UUID.fullmatch(value) or _COMPOUND.fullmatch(value) or is_code(value))


def is_chosen(value: str) -> bool:
    """Whether a word of a sentence reads like a password."""
    return bool(_CHOSEN.match(value.rstrip("!?"))) and is_a_value(value) and not _NO_PASSWORD.search(value)
