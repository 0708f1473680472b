"""Addresses: e-mail (RFC 5321, 5322, 6532) and the internet (RFC 791, 4291)."""

import ipaddress
import re
from collections.abc import Iterator

from curation.privacy.cues import LETTER

_TOP = rf"(?:xn--[a-z0-9-]{{2,59}}|[A-Za-z]{{2,24}}(?![A-Za-z])|[^\W\d_]{{2,24}})(?!{LETTER}|@|-\w)"
_EMAIL = re.compile(r"[\w&+-][\w.+%'&=~-]{0,63}(?:@|%40)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}" + _TOP)
# the name of a field or parameter, which is no part of an address
_PARAMETER = re.compile(
    r"(?i)^(?:[^&]{0,60}&)*(?:e-?mail|mail|user|username|login|to|from|cc|bcc|address|recipient|sender|contact)="
)
# what a slash parts is one local part where a sign follows that only an address has, or where nothing else is in the cell
_SLASHED = re.compile(rf"(?<![./@&'+=%~-])(?<!{LETTER})((?:{LETTER}|[&'+=%~-]){{1,32}}/)$")
# words of a sentence in a script without blanks right before an address in another one
_SENTENCE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+(?=[A-Za-z0-9])")
_RARE = re.compile(r"[%&=~'+]")
_OPENING, _CLOSING = ('"', "'", "<", ";", "|"), ('"', "'", ">", ";", "|")
# a quoted local part is looked for from its end; who writes one begins and ends it with a letter or digit
_QUOTED_END = re.compile(r"\w\\?\"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}" + _TOP)
_QUOTED = re.compile(r"\\?\"\w[^\"\n]{0,62}$")
_PICTURE = re.compile(r"(?i)[@][1-9](?:\.\d)?x\.(?:png|jpe?g|gif|webp|svg|avif|bmp|tiff?)$")
# units of systemd (systemd.unit(5)): name@instance.type; of these types none is a top-level domain
_UNIT = re.compile(r"\.(?:service|socket|timer|mount|automount|scope|slice|path|swap|device)$")
# who logs in to a host: by a scheme for it, to a repository, or as the user that serves repositories
_LOGIN = re.compile(r"(?:ssh|git|svn|hg|sftp|rsync)://$")
_REPOSITORY = re.compile(r"[:/][\w./~+-]{1,200}?\.git(?![\w.])")
_SERVES = re.compile(r"(?:git|hg|svn|gitea|forgejo|gitlab)@")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-(?!\d{1,3}\.\d))")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{0,40}:[0-9A-Fa-f:]{0,40}:)[0-9A-Fa-f:]{6,39}(?![\w:])")
# four numbers that are no address: a product's token (RFC 9110 10.1.5), a version, a clause
_VERSION = re.compile(
    r"(?i)(?:(?:^|[\s(;,\"'])[a-z][\w+-]*/|(?:==|~=|[<>]=|[<>^~])\s?"
    r"|(?:version(?:s|name|code|number|_number)?|\bver|\bv|clause|section|sec|chapter|release|build|firmware|revision|rev"
    r"|kernel|schema|oid|table|figure|article|appendix|annex|windows|macos|android|ios|chrome|chromium"
    r"|(?:driver|installer|setup|\bfw|f/w|bios|uefi|bootloader|modem|app)(?:\s(?:says|shows|reports|reads|has|is|at|on|now)){0,2})"
    r"(?:\\?[\"'])?\.?\s{0,3}[:=#(]?\s{0,3}(?:\\?[\"'])?|§\s?)$"
)
_SMALL = 31  # numbers of a version: the first three are at most this
_UPDATE = re.compile(
    r"(?i)(?:updat|upgrad|downgrad|migrat|bump|pinn?|releas|rolled back)[a-z]{0,4}\s(?:[\w.-]{1,24}\s){0,3}?(?:to|from|at|of)\s$"
)
_OF_VERSIONS = re.compile(
    r"(?i)version|updat|upgrad|downgrad|releas|assembl|binding redirect|packag|nuget|dotnet|\.net\b|firmware|\bbuild|\bsdk\b"
    r"|runtime|\bpatch|hotfix|changelog|semver|plug-?in|librar|dependenc|\.dll|(?:app|web)\.config"
)
_OF_HOSTS = re.compile(
    r"(?i)(?<![a-z])(?:ip|ips|ipv4|address|addr|adresse|hosts?|servers?|dns|nameservers?|resolvers?|ping|clients?|peer|connect\w*|login"
    r"|logged|records?|gateway|traffic|requests?|whois|traceroute|ssh|curl|route)(?![a-z])|://"
)
_GIVEN_OUT = ipaddress.ip_network("2000::/3")  # the one range that IANA gives addresses out of


def emails(text: str) -> Iterator[tuple[int, int]]:
    """E-mail addresses, also percent-encoded ones; neither pictures of several sizes nor units and logins of hosts."""
    if "@" not in text and "%40" not in text:
        return
    for match in _EMAIL.finditer(text):
        said = match.group()
        start, end = match.span()
        if ".." in said or _PICTURE.search(said) or _UNIT.search(said) or _is_a_login(said, text, start, end):
            continue
        if "=" in said and (name := _PARAMETER.match(said)):
            start += name.end()
        elif sentence := _SENTENCE.match(said):
            start += sentence.end()
        elif text[start - 1 : start] == "/" and (part := _SLASHED.search(text, max(0, start - 40), start)):
            before, behind = text[part.start(1) - 1 : part.start(1)], text[end : end + 1]
            if _RARE.search(said.partition("@")[0]) or (before in _OPENING and behind in _CLOSING):
                start = part.start(1)
        yield start, end
    for match in _QUOTED_END.finditer(text) if '"@' in text else ():
        at = match.start() + 1
        if begin := _QUOTED.search(text, max(0, at - 66), at):
            yield begin.start(), match.end()


def _is_a_login(said: str, text: str, start: int, end: int) -> bool:
    """Whether a path or a port behind it, or a scheme before it, says that somebody logs in to a host there."""
    behind = text[end : end + 2]
    if behind[:1] not in (":", "/") or behind[1:] in ("", " ", "\n"):
        return False
    return bool(_SERVES.match(said) or _LOGIN.search(text, max(0, start - 8), start) or _REPOSITORY.match(text, end))


def internet(text: str) -> Iterator[tuple[int, int]]:
    """Addresses that are routed. Loopback, private, documentation and multicast ranges say nothing of a person."""
    for match in _IPV4.finditer(text) if "." in text else ():
        start, end = match.span()
        if _routed(match.group()) and not match.group().endswith(".0.0.0"):
            before = text[max(0, start - 80) : start]
            if _VERSION.search(before[-40:]) or (before.endswith("-") and not _is_a_range(before)):
                continue
            if not _is_a_version(match.group(), before, text[end : end + 60]):
                yield start, end
    for match in _IPV6.finditer(text) if ":" in text else ():
        said = match.group().rstrip(":") if not match.group().endswith("::") else match.group()
        if _routed(said):
            yield match.start(), match.start() + len(said)


def _is_a_version(said: str, before: str, behind: str) -> bool:
    """Whether four small numbers stand behind a version or its update, or near words of versions and none of hosts."""
    if any(int(number) > _SMALL for number in said.split(".")[:3]) or _OF_HOSTS.search(before[-40:]):
        return False
    return bool(_UPDATE.search(before) or _OF_VERSIONS.search(before) or _OF_VERSIONS.search(behind))


def _is_a_range(before: str) -> bool:
    return re.search(r"\d\.\d{1,3}-$", before) is not None


def _routed(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _GIVEN_OUT)
