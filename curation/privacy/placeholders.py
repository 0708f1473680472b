"""What stands where a secret is due: the secret, or something in its place such as a placeholder, code or a reference."""

import re

_CODE = re.compile(r"[()\[\]]|^[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+$")
# what is kept elsewhere: by the scheme of a store, by a path, by a path and the field there
_REFERENCE = re.compile(
    r"^=|^@|^arn:|^projects/|^/[a-z/._-]+$|^(?!https?:)[a-z][a-z0-9+.-]{1,20}://|^https://[\w.-]{0,60}vault[\w.-]{0,60}/"
    r"|^(?:aws-|gcp-|azure-)?(?:hashi|key)?(?:vault|ssm|secrets?-?manager|akv|doppler|keyring|keychain|sops)(?:[+-][a-z]{1,12})?:[\w/]"
    r"|^[a-z][a-z_.-]{0,40}(?:/[a-z][a-z0-9_.-]{0,40}){2,8}#[A-Za-z_.-]{1,40}$"
)
# drawn by lot from letters, digits and signs, as Django's keys are: what it begins with says nothing
_DRAWN_SIGNS = re.compile(r"(?![^&]{0,128}&\w{1,40}=)[\w!@#$%^&*(=+)-]{32,128}")
_SIGNS = frozenset("!@#$%^&*(=+)-")
# most of it left out or crossed out: `sk-...`, `ghp_xxxxxxxx`, `sk_live_****1234`, `<token>` behind a prefix
_LEFT_OUT = re.compile(r"\.{3}|…|\*{3}|•{3}|[xX]{6}|(?:^|[-_])[xX]{3,}$")
# words alone behind a provider's prefix: `xoxb-your-token`; and what is said to be another's: `put_your_api_key`
_WORDS = re.compile(r"[A-Za-z]{1,12}\d{0,2}(?:[-_.](?:[a-z]{1,20}\d{0,2}|[A-Z]{1,20})){1,12}")
_INSTEAD = re.compile(
    r"(?:^|[-_. ])(?:your|example|sample|dummy|placeholder)[-_. ](?:[a-z]{1,12}[-_. ]){0,3}(?:api|key|token|secret|pass)"
)
_BRACKETS = re.compile(r"^(?:[a-z0-9]{1,12}[-_]){0,4}(?:<|\[[^\[\]]{0,60}\]$|\{[^{}]{0,60}\}$)")
_EMPTY_STARTS = ("<", "$", "%", "{", "[", "os.", "env(", "env.", "env[", "env:", "env_", "none", "null", "true", "false", "your",
                 "example", "undefined", "redacted", "process.", "insert", "replace_", "replace-", "change_me",
                 "changeme", "change-me", "placeholder")  # fmt: skip
_EMPTY = frozenset({"string", "required", "optional", "password", "secret", "passwd", "hidden", "invalid", "incorrect",
                    "missing", "changed", "expired", "correct", "forgotten"})  # fmt: skip
_NOT_WORD = re.compile(r"[^\w-]|\d")
# a sentence of a script that does not part its words
_WITHOUT_BLANKS = re.compile(r"^[\d\W]{0,4}[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CAMEL = re.compile(r"[a-z][A-Z]")
_DRAWN = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?=\D*\d)[\w+/=.~-]{16,}")
_STORED = re.compile(r"[A-Za-z0-9+/]{86}==")  # 64 bytes, as Azure gives its keys out
_COMPOUND = re.compile(r"(?:[a-z]+|\d+)(?:[_./-](?:[a-z]+|\d+))+")  # a name such as `customer_42_primary`
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# a password in a sentence: letters, and a digit or a sign that no word has inside
_CHOSEN = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?:\D*\d|.*[!#$%*+=?^~@&].*\w)")
_NO_PASSWORD = re.compile(
    r"(?i)^(?:https?://|\d+-[a-z-]+$|\d+(?:th|st|nd|rd|px|ms|min|h|x)$|(?:sha|md|aes|rsa|utf|base|bcrypt|argon|pbkdf|oauth)-?\d"
    r"|[\w.+-]+@[\w-]+\.[a-z.]+$)"
)


def is_a_value(text: str) -> bool:
    """Whether the content of a field for a secret is one, and neither a placeholder nor a reference to one."""
    if len(text) < 6:
        return False
    return drawn_with_signs(text) == len(text) or not (is_a_placeholder(text) or _REFERENCE.search(text))


def drawn_with_signs(text: str, start: int = 0) -> int:
    """Where a key of letters, digits and many kinds of signs that stands at `start` ends; 0 if none stands there."""
    match = _DRAWN_SIGNS.match(text, start)
    return match.end() if match and len(_SIGNS.intersection(match.group())) >= 6 else 0


def is_a_placeholder(value: str) -> bool:
    """Whether something stands there instead of a secret."""
    lowered = value.lower().strip("\"'`.,")
    if _LEFT_OUT.search(value) or _BRACKETS.search(lowered) or _INSTEAD.search(lowered):
        return True
    return set(lowered) <= set("*x.•-_…") or lowered.startswith(_EMPTY_STARTS) or lowered in _EMPTY


def is_of_words(value: str) -> bool:
    """Whether it is words and signs between them alone, where something drawn by lot is due."""
    return _WORDS.fullmatch(value) is not None


def is_code(value: str) -> bool:
    """Whether a value without quotes is an expression: a call, an index, an attribute."""
    return _CODE.search(value) is not None


def is_no_word(value: str) -> bool:
    """Whether it holds a sign that names and words have not; what ends a sentence does not count."""
    return _NOT_WORD.search(value.rstrip(".,:?*)")) is not None and not _WITHOUT_BLANKS.search(value)


def is_written_out(value: str) -> bool:
    """The same where there is no code, so that what reads like an attribute or a name is a value, too."""
    return drawn_with_signs(value) == len(value) or (
        "(" not in value and (is_no_word(value) or _CAMEL.search(value) is not None)
    )


def is_drawn(value: str, least: int = 16) -> bool:
    """Whether it is long, of letters and digits, and neither a name of several words, a UUID nor an expression."""
    if len(value) < least or not _DRAWN.fullmatch(value):
        return False
    return not (_UUID.fullmatch(value) or _COMPOUND.fullmatch(value) or is_code(value))


def is_chosen(value: str) -> bool:
    """Whether a word of a sentence reads like a password."""
    return bool(_CHOSEN.match(value.rstrip("!?"))) and is_a_value(value) and not _NO_PASSWORD.search(value)


def is_a_uuid(value: str) -> bool:
    """Whether it has the form of a UUID, which some services draw their tokens as."""
    return _UUID.fullmatch(value) is not None


def is_jumbled(value: str) -> bool:
    """Whether it is letters alone whose case changes more often than in any name of several words."""
    return (
        len(value) >= 10
        and value.isalpha()
        and not value.islower()
        and len(_PARTS.findall(value)) * 5 >= len(value) * 2
    )


def is_stored(value: str) -> bool:
    """Whether it is 64 bytes in base64, a length that keys for signing have."""
    return _STORED.fullmatch(value) is not None
