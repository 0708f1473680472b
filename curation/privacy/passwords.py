"""Passwords and keys by what stands before them: a name and a sign that assigns, a sentence, an option of a command."""

import re
from collections.abc import Iterator

from curation.privacy.placeholders import (
    drawn_with_signs,
    is_a_uuid,
    is_a_value,
    is_chosen,
    is_code,
    is_drawn,
    is_jumbled,
    is_no_word,
    is_stored,
    is_written_out,
)

PASSWORDS = (
    "password|passwort|passwd|passphrase|passcode|requirepass|masterauth|kennwort|contraseña|contrasena|mot de passe"
    "|motdepasse|wachtwoord|adgangskode|lösenord|salasana|пароль|密码|密碼|パスワード|비밀번호"
)  # no other word ends so
_SHORT = "pwd|pw|psk|passord|senha|hasło|heslo|şifre|sifre"
_QUOTE = r"(?:\\?[\"'])"
# what assigns: `=`, `: str =`, `=>`, the next argument, an attribute or a line named value, an element's end
_SIGN = (
    rf"{_QUOTE}?\]?(?:[^\S\n]{{0,3}}(?::[^\S\n]?\w[\w.\[\] |]{{0,24}}=[^\S\n]?(?=[\"'])|:=|=>|[:=：])[^\S\n]{{0,3}}"
    rf"|(?P<next>,)[^\S\n]?(?={_QUOTE})|[^\S\n]{{1,3}}value[^\S\n]?=[^\S\n]?(?=[\"'])|\s{{1,40}}value:[ ]"
    r"|>(?=[^\s<]{6,256}</))"
)
_ASSIGNED = re.compile(
    rf"(?P<word>{PASSWORDS}|{_SHORT}|pass|secret|token|key(?:_base|[-_]data)?){_SIGN}"
    rf"(?:[bru]?{_QUOTE}(?P<quoted>[^\s\"'\\]{{6,256}})|(?P<bare>[^\s\"',;&{{}}\\<]{{6,256}}|[\w!@#$%^&*(=+)-]{{32,128}}))"
)  # of the text in small letters: several times faster than a pattern that passes over case
_REST = {True: re.compile(r"[^\s\"'\\]+"), False: re.compile(r"[^\s\"',;&{}\\<]+")}  # of a value that is longer
_LONG = 256
_BEGINS = r"(?:(?<![A-Za-z])|(?=[A-Z]))"  # a name, or a part of one in camel case
_SURE_KEY = re.compile(
    rf"{_BEGINS}(?i:api|secret|private|signing|encryption|account|(?:secret|shared)[_-]?access)[_-]?$"
)
_LIKELY_KEY = re.compile(
    rf"{_BEGINS}(?i:access|admin|master|auth|service|server|app|application|client|consumer|subscription|license|deploy|session"
    r"|jwt|hmac|write|shared|api|secret|private|signing|encryption|storage|account|cosmos|search|database|preshared|pre[_-]shared)[_ -]?$"
)
_OPEN_KEY = re.compile(r"(?i)(?:pub|public|publishable|host|site|cache|etag)[_ -]?$")
_SURE_TOKEN = re.compile(rf"{_BEGINS}(?i:auth|access|refresh|session|security|bearer|api|private)[_-]?$")
_OTHER_TOKEN = re.compile(
    r"(?i)(?:next|page|paging|pagination|continuation|continue|cursor|csrf|xsrf|pad|stop|eos|bos|unk|sep|mask|cancel|sync|resume"
    r"|last|start|end|change|design|device|push|request|idempotency|client)[_-]?(?:page)?[_-]?$"
)
_ARGUMENT = re.compile(r"\(\s?\\?[\"'][\w.-]{0,40}$")
_MORE_WORDS = re.compile(r"[ ]\w")  # "Ensure this field has ..."
_OF_A_NAME = re.compile(r"(?:arn|urn):[\w:./*-]{0,76}$")  # one part of a name of many: `arn:aws:...:secret:orders`
_REQUIRED = re.compile(r"\$\{[\w.]{0,60}$")  # ${NAME:?what to say where it is missing}
# no code there: a line of an environment file, a list of `name=value` parted by semicolons or blanks, a header, an element
_LITERAL = re.compile(
    r"\n[ \t]*(?:[+$-] )?(?:export |set |ENV |ARG )?(?P<capitals>(?:[A-Z][A-Z0-9]*_)*)$|;[ ]?[\w .]{0,30}$"
    r"|=[^\s,;(){}]{1,60} \w{0,30}$"
)
_HEADER = re.compile(r"-H \\?[\"'][\w-]{0,40}$")
_IN_A_QUERY = ("?", "&")  # a value there is no name of a variable
_FIELD = re.compile(rf"(?i)(?:{PASSWORDS})$|(?:^|[^a-z])(?:{_SHORT}|secret)$|(?-i:[a-z]Secret|[a-z]Pwd)$")
_FIELD_END = re.compile(r"(?i)(?:pass|token|key(?:_base|[-_]data)?)$")

# a password in a sentence, and what it is for
_SAID = re.compile(
    rf"(?:{PASSWORDS}|{_SHORT})"
    r"(?:et|en|ni|si)?(?:[ ](?:tempor[aá][a-zé]{1,6}|provisi?on[a-z]{1,4}|provis[oó]r?[a-z]{2,4}|provvisori[ao]|tijdelijk|inicial|initial"
    r"|actual|actuel|nueva|nouveau|nova|nuova))?"
    r"(?:[ ](?:for|of|to|du|de|des|da|do|del|della|pour|para|per|für|zum|zur|van|voor|till|til|dla)[ ][^\n:=,.;]{1,30}?)?"
    r"(?:[ ]?(?:[:=][ ]|：[ ]?)|[ ]?(?:は|是|为|為)[:：]?[ ]?"
    r"|[ ](?:is|was|ist|war|lautet|est|es|era|é|è|jest|to|är|er|on)(?:[ ]?:)?[ ])"
    r"[\"'“«„「『`*]{0,2}([^\s\"'“”«»„「」『』`\\]{6,128})"
)

# options that hold a password: long ones by their name, short ones by the manual of the tool
_OPTION = re.compile(
    r"(?<!\S)--[\w-]{0,30}(?:password|passwd|pass|passphrase|secret|token|(?:api|access|secret|private|account)-?key)[ ]{1,3}"
    r"(?:\\?([\"']))?([^\s\"'\\-][^\s\"'\\]{5,255})"
)
_TOOLS = re.compile(
    r"(?<![\w.-])(mysql|mariadb|sshpass|curl|wget|https?|redis-cli|htpasswd|(?:docker|podman)[ ]login|sqlcmd|ldap|smbclient"
    r"|mongo|unzip|openssl|keytool|login)[\w-]{0,12}[ ]"
)
_GIVEN = r"\\?[\"']?([^\s\"'\\]{6,128})"
_USER_PASSWORD = re.compile(rf"[ ](?:-u|-a|--user|--auth|--proxy-user)[ =]?\\?[\"']?[^\s:\"'/]{{0,64}}:{_GIVEN}")
_OF_TOOL = {
    "mysql": re.compile(rf"[ ]-p{_GIVEN}"),
    "mariadb": re.compile(rf"[ ]-p{_GIVEN}"),
    "sshpass": re.compile(rf"^[ ]-p[ ]?{_GIVEN}"),
    "curl": _USER_PASSWORD,
    "wget": _USER_PASSWORD,
    "http": _USER_PASSWORD,
    "https": _USER_PASSWORD,
    "redis-cli": re.compile(rf"[ ]-a[ ]{_GIVEN}"),
    "htpasswd": re.compile(rf"^[ ]-[a-zA-Z]*b[a-zA-Z]*[ ](?:[^\s-]\S*[ ]){{1,2}}{_GIVEN}"),
    "docker login": re.compile(rf"[ ]-p[ ]{_GIVEN}"),
    "podman login": re.compile(rf"[ ]-p[ ]{_GIVEN}"),
    "sqlcmd": re.compile(rf"[ ]-P[ ]?{_GIVEN}"),
    "ldap": re.compile(rf"[ ]-w[ ]{_GIVEN}"),
    "smbclient": re.compile(rf"[ ]-U[ ]?\\?[\"']?[^\s%\"']{{1,64}}%{_GIVEN}"),
    "mongo": re.compile(rf"[ ]-p[ =]{_GIVEN}"),
    "unzip": re.compile(rf"[ ]-P[ ]?{_GIVEN}"),
    "openssl": re.compile(rf"[ ]pass:{_GIVEN}"),
    "keytool": re.compile(rf"[ ]-(?:store|key)pass[ ]{_GIVEN}"),
    "login": re.compile(rf"^[ ]\S{{1,64}}[ ]password[ ]{_GIVEN}"),  # .netrc
}
_USER_ALONE = re.compile(
    r"[ ](?:-u|--user)[ =]?\\?[\"']?([\w.-]{20,128}):(?=\\?[\"'\s])"
)  # a key in place of name and password
_SPOKEN = re.compile(r"[^\W\d_A-Z]+(?:\.[^\W\d_A-Z]+)+\d{2,}")  # two words and a number
_COMMAND = 400  # characters looked at behind a tool's name


def passwords(text: str, small: str) -> Iterator[tuple[int, int]]:
    """Passwords and keys that are assigned, said or given to a command; `small` is the text in small letters."""
    yield from _assigned(text, small)
    for match in _SAID.finditer(small):
        start, end = match.span(1)
        if match.group()[:2] in ("pw", "ps") and small[match.start() - 1 : match.start()].isalnum():
            continue  # the end of another word
        value = text[start:end].rstrip(".,;:)*")
        if is_chosen(value) and (not is_code(value) or (is_spoken(value) and small[start - 2] != "=")):
            yield start, start + len(value)
    if "--" in text:
        for match in _OPTION.finditer(text):
            if is_a_value(match[2]) and (match[1] or is_no_word(match[2])):
                yield match.span(2)
    yield from _of_commands(text)


def is_named(key: str, value: str) -> bool:
    """Whether a field of this name holds a password or a key, given what stands in it."""
    if _FIELD.search(key):
        return True
    end = _FIELD_END.search(key)
    return end is not None and _is_a_secret(end.group().lower(), f'"{key[: end.start()]}', value, end.group()[0])


def is_spoken(value: str) -> bool:
    """Whether it is words with stops between them and a number behind, which in a sentence is no attribute."""
    return _SPOKEN.fullmatch(value) is not None


def rest_of(text: str, start: int, end: int, *, quoted: bool) -> int:
    """Where a value that was read from `start` to `end` ends, however long it is."""
    more = _REST[quoted].match(text, end) if end - start >= _LONG else None
    return more.end() if more else end


def _assigned(text: str, small: str) -> Iterator[tuple[int, int]]:
    at = 0
    while match := _ASSIGNED.search(small, at):
        group = "quoted" if match["quoted"] else "bare"
        start, end = match.span(group)
        if (
            group == "bare" and "&" in text[start : end + 1]
        ):  # parts the parameters of an address, or is a sign of a key
            end = drawn_with_signs(text, start) or text.find("&", start)
        if _is_assigned(text, match, text[start:end], start):
            end = rest_of(text, start, end, quoted=group == "quoted")
            yield start, end - (group == "bare" and text[end - 1] == ".")  # the end of a sentence
            at = end
        else:
            at = start  # the value may be a name that is assigned to: `my key: api_key=...`


def _is_assigned(text: str, match: re.Match[str], value: str, start: int) -> bool:
    at, word = match.start(), match["word"]
    before = text[max(0, at - 80) : at] if at > 80 else "\n" + text[:at]
    if before[-1] == ":" and _OF_A_NAME.search(before):
        return False
    if not _is_a_secret(word, before, value, text[at]) or not is_a_value(value):
        return False
    if match["next"] and not (_ARGUMENT.search(before) and any(sign.isdigit() for sign in value)):
        return False
    if value[0] == "?" and _REQUIRED.search(before):
        return False
    if match["quoted"] is not None:
        return is_no_word(value) or not _MORE_WORDS.match(text, start + len(value))
    return _is_bare(value, text, before, at, start, len(word))


def _is_bare(value: str, text: str, before: str, at: int, start: int, length: int) -> bool:
    """Whether a value without quotes is one, and no name or expression of code."""
    sign = text[at + length : start]
    if sign == ">" or (sign == ": " and _HEADER.search(before)):
        return is_written_out(value)
    literal = _LITERAL.search(before) if sign == "=" else None
    if literal and (literal["capitals"] is None or text[at : at + length].isupper()):
        return is_written_out(value)
    if sign == ": " and is_jumbled(value):
        return True
    return not is_code(value) and (is_no_word(value) or before.endswith(_IN_A_QUERY))


def _is_a_secret(word: str, before: str, value: str, first: str = "a") -> bool:
    """Whether a name that ends with this word holds a secret; some do only where the value looks drawn by lot."""
    inside = before[-1:].isalpha() and not first.isupper()
    if word[:3] == "key":
        if _SURE_KEY.search(before):
            return True
        return is_drawn(value) and (
            bool(_LIKELY_KEY.search(before)) or (is_stored(value) and not _OPEN_KEY.search(before))
        )
    if word == "token":
        if _SURE_TOKEN.search(before):
            return True
        return (
            not inside
            and not _OTHER_TOKEN.search(before)
            and (is_drawn(value, 20) or (first.isupper() and is_a_uuid(value)))
        )
    if word == "pass":
        return before[-1:] in ("_", '"', "'") and " " not in value and is_no_word(value)
    return len(word) > 6 or not inside


def _of_commands(text: str) -> Iterator[tuple[int, int]]:
    for tool in _TOOLS.finditer(text):
        end = text.find("\n", tool.end(), tool.end() + _COMMAND)
        line = text[tool.end() - 1 : end if end >= 0 else tool.end() + _COMMAND]
        option = _OF_TOOL[tool[1]].search(line)
        if option is None and tool[1] == "curl":
            option = _USER_ALONE.search(line)
        if option and is_a_value(option[1]):
            yield tool.end() - 1 + option.start(1), tool.end() - 1 + option.end(1)
