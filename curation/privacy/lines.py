"""Secrets without a sign that assigns: lines of configuration, statements, lists of names and values, what people write."""

import re
from base64 import b64decode
from collections.abc import Iterator

from curation.privacy.passwords import PASSWORDS, is_named, is_spoken, rest_of
from curation.privacy.placeholders import is_a_value, is_chosen, is_code, is_drawn, is_jumbled, is_no_word

# all but _PAIR, _RESULT and _BASIC are of the text in small letters
# a line that is a word and a value: of netrc, redis, routers, OpenWrt, snmpd, what a tool lists in two columns
_DIRECTIVE = re.compile(
    r"\n[^\S\n]{0,16}(?:(?:option |enable |(?:neighbor|login|user) \S{1,64} |username \S{1,64} (?:privilege \d{1,2} )?)?"
    r"(?:password|passwd|passphrase|secret)|requirepass|masterauth|option (?:key|psk)|key-string|pre-shared-key|r[ow]community6?"
    r"|snmp-server community|(?:tacacs|radius)-server key)"
    r"(?:[^\S\n]\d)?[^\S\n]{1,24}[\"']?(?P<value>[^\s\"'\\]{6,256})[\"']?(?=[^\S\n]{0,8}(?:\n|$)|[^\S\n](?:ro|rw|\d))"
)
_OF_DIRECTIVES = ("pass", "secret", "community", "masterauth", "option ", "key-string", "-key ", "server key")
_TYPE = re.compile(r"(?:u?int|float|(?:var)?char|text|string|bytes?|vector)\d*$|[*&@]")
# a wireless network: what Windows shows of it, and what is drawn as a code to be photographed
_WIRELESS = re.compile(
    r"(?:key content[^\S\n]{0,24}:[^\S\n]|wifi:(?:[a-z]:[^;\n]{0,64};){0,4}p:)(?P<value>[^\s;\"'\\]{6,128})"
)
# host:port:database:user:password
_PGPASS = re.compile(
    r"\n(?![\w.-]{0,120}\.(?:py|js|ts|go|rs|c|h|java|rb|php|log|txt):)[\w.*-]{1,128}:(?:\d{4,5}|\*):[\w*-]{1,63}:[\w.*-]{1,63}:"
    r"(?P<value>[^\s:\"'\\]{6,128})(?=\s|$)"
)
# right behind the word and in quotes: a statement of SQL, a sentence; behind its abbreviation also without
_QUOTED = re.compile(r"[ ](?<=[^\W\d_].)\\?[\"'`“„«](?P<value>[^\s\"'`“”„«»\\]{6,128})\\?[\"'`”“»]")
_WORD_FOR_ONE = re.compile(
    rf"(?:identified (?:with [\w.]{{1,40}} )?(?:by|as)|{PASSWORDS}|(?<![\w-])pw|convertto-securestring(?: -string)?)$"
)
_SHORTENED = re.compile(r"(?<![\w-])pw[ ](?![\w-]{1,40}=)(?P<value>[^\s\"'\\]{6,128})")
_CHPASSWD = re.compile(r"[\"' ][\w.-]{1,32}:(?P<value>[^\s\"'\\|]{6,128})\\?[\"']?[ ]?\|[ ]?(?:sudo )?chpasswd")
# a name and a password, of somebody who was asked for a login
_BEHIND_A_SLASH = re.compile(r"[ ]/[ ](?P<value>[^\s\"'\\]{7,64})")
_USER = re.compile(r"(?:[\n:=]|\sis|\sare)[ ]?[\w.@+-]{2,64}$")
_OF_A_LOGIN = re.compile(r"log-?in|credential|\bcreds\b|zugang|anmelde|identifiant|acces|inlog")
_COOKIES = re.compile(r"cookie|[ ]-b[ ]\\?[\"']")
_COOKIE = re.compile(
    r"(?<![\w.-])(?![\w.-]{0,40}[cx]srf)[\w.-]{0,40}(?:sess(?:ion)?(?:_?id)?|sid|auth|jwt|remember_?me)=(?P<value>[\w%.+/=:-]{16,4096})"
)
_HEADER = 600  # characters of a line looked at behind the word
# of a form, an environment, a collection of requests
_PAIR = re.compile(
    r"\\?\"(?:[Nn]ame|[Kk]ey|field|id|label)\\?\"\s{0,4}:\s{0,4}\\?\"(?P<name>[^\"\\\n]{1,80})\\?\"\s{0,4},\s{0,40}"
    r"(?:\\?\"(?:type|kind|enabled|secret)\\?\"\s{0,4}:\s{0,4}(?:\\?\"[\w-]{1,24}\\?\"|true|false)\s{0,4},\s{0,40})?"
    r"\\?\"[Vv]alue\\?\"\s{0,4}:\s{0,4}\\?\"(?P<value>[^\"\s\\]{6,256})"
)
_LAST_NAME = re.compile(r"[\w -]+(?=\]?$)")  # of `user[password]`
# the state of Terraform keeps what it drew
_RESULT = re.compile(r"\\?\"result\\?\"\s{0,4}:\s{0,4}\\?\"(?P<value>[^\"\\]{6,256})")
_STATE = 1_500
# name and password in base64 (RFC 7617), as docker and npm keep them
_BASIC = re.compile(
    r"(?:\\?\"_?auth\\?\"\s{0,4}:\s{0,4}\\?\"|:_auth\s?=\s?\\?\"?)(?P<value>[A-Za-z0-9+/]{8,256}={0,2})(?![\w+/=])"
)
_NAME_AND_PASSWORD = re.compile(rb"[\w.@+-]{1,64}:[\x20-\x7e]{4,128}")


def in_lines(text: str, small: str) -> Iterator[tuple[int, int]]:
    """Where such secrets stand; `small` is the text in small letters."""
    lines = f"\n{small}"  # so that a line is what follows a sign that is sought quickly
    for pattern in (_QUOTED, *_worth_it(small)):
        for match in pattern.finditer(lines):
            if pattern is _QUOTED and not _WORD_FOR_ONE.search(lines, max(0, match.start() - 64), match.start()):
                continue
            start, end = match.span("value")
            value = text[start - 1 : end - 1].rstrip(".,;:)")
            if _is_one(value):
                yield start - 1, start - 1 + len(value)
    if " / " in text:
        yield from _behind_slashes(text, small)
    if "cookie" in small or " -b " in small:
        yield from _of_cookies(text, small)
    if "alue" in text:
        yield from _in_pairs(text, small)
    if "random_password" in text:
        yield from _drawn(text)
    if 'auth"' in text or "auth\\" in text or "_auth" in text:
        yield from (match.span("value") for match in _BASIC.finditer(text) if _is_basic(match["value"]))


def _worth_it(small: str) -> Iterator[re.Pattern[str]]:
    if any(word in small for word in _OF_DIRECTIVES):
        yield _DIRECTIVE
    if "key content" in small or "wifi:" in small:
        yield _WIRELESS
    if ":5" in small or ":6" in small or ":*:" in small:  # the ports in use
        yield _PGPASS
    if "pw " in small:
        yield _SHORTENED
    if "chpasswd" in small:
        yield _CHPASSWD


def _is_one(value: str) -> bool:
    if is_jumbled(value):
        return True
    return is_chosen(value) and (not is_code(value) or is_spoken(value)) and not _TYPE.match(value)


def _behind_slashes(text: str, small: str) -> Iterator[tuple[int, int]]:
    for match in _BEHIND_A_SLASH.finditer(text):
        at = match.start()
        value = match["value"].rstrip(".,;:)")
        if (
            _USER.search("\n" + text[max(0, at - 80) : at])
            and _OF_A_LOGIN.search(small, max(0, at - 160), at)
            and _is_one(value)
        ):
            yield match.start("value"), match.start("value") + len(value)


def _of_cookies(text: str, small: str) -> Iterator[tuple[int, int]]:
    at = 0
    while begin := _COOKIES.search(small, at):
        end = small.find("\n", begin.end(), begin.end() + _HEADER)
        at = end if end >= 0 else min(len(small), begin.end() + _HEADER)
        for match in _COOKIE.finditer(small, begin.end(), at):
            if is_no_word(match["value"]) and is_a_value(text[slice(*match.span("value"))]):
                yield match.span("value")


def _in_pairs(text: str, small: str) -> Iterator[tuple[int, int]]:
    for match in _PAIR.finditer(text):
        name, value = _LAST_NAME.search(match["name"]), match["value"]
        if name is None or not is_a_value(value):
            continue
        of_a_key = (
            name[0] == "value" and is_drawn(value) and "apikey" in small[max(0, match.start() - 160) : match.start()]
        )
        if of_a_key or is_named(name[0], value):
            yield match.start("value"), rest_of(text, *match.span("value"), quoted=True)


def _drawn(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while (begin := text.find("random_password", at)) >= 0:
        match = _RESULT.search(text, begin, begin + _STATE)
        at = match.end() if match else begin + _STATE
        if match and is_a_value(match["value"]):
            yield match.span("value")


def _is_basic(value: str) -> bool:
    return len(value) % 4 == 0 and _NAME_AND_PASSWORD.fullmatch(b64decode(value)) is not None
