"""Untrusted text on a page: always escaped, and what would hide in it made visible.

Characters that turn the reading direction, take no room or control a terminal can make a text look like another one, so
each is drawn as a small labelled glyph. Markdown is rendered without raw HTML and without images.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# short names of the ones that people know by name; the others are shown by their code point
NAMES = {
    0x200B: "ZWSP",
    0x200C: "ZWNJ",
    0x200D: "ZWJ",
    0x200E: "LRM",
    0x200F: "RLM",
    0x202A: "LRE",
    0x202B: "RLE",
    0x202C: "PDF",
    0x202D: "LRO",
    0x202E: "RLO",
    0x2060: "WJ",
    0x2066: "LRI",
    0x2067: "RLI",
    0x2068: "FSI",
    0x2069: "PDI",
    0x00AD: "SHY",
    0xFEFF: "BOM",
}
# C0 and C1 controls but tab and line break, soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and
# bidirectional characters, line and paragraph separators, fillers, interlinear marks, and the invisible "tag" letters
# U+E0000..E007F (a whole hidden message can be written with them)
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# a joiner between two pictographs builds one picture (a family, a flag): that is its honest use
EMOJI_JOINER = re.compile(
    "(?<=[\u2600-\u27bf\ufe0f\U0001f300-\U0001faff])\u200d(?=[\u2600-\u27bf\U0001f300-\U0001faff])"
)
KEPT_JOINER = "\ue000"
SAFE_LINK = re.compile(r"^(https?:|mailto:|#)", re.IGNORECASE)


def _glyph(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        label = chr(0x2400 + code)  # the control pictures block mirrors C0
    elif code == 0x7F:
        label = "\u2421"
    else:
        label = NAMES.get(code, f"U+{code:04X}")
    name = unicodedata.name(match.group(), "control character").lower()
    return f'<span class="glyph" title="U+{code:04X} {name}">{label}</span>'


def shown(text: str) -> SafeString:
    """`text` escaped for HTML, hidden characters as glyphs. Line breaks stay (\\r\\n counts as one)."""
    safe = str(escape(text.replace("\r\n", "\n")))
    if HIDDEN.search(safe):
        safe = EMOJI_JOINER.sub(KEPT_JOINER, safe.replace(KEPT_JOINER, "\ufffd"))
        safe = HIDDEN.sub(_glyph, safe).replace(KEPT_JOINER, "\u200d")
    return mark_safe(safe)  # noqa: S308 (escaped above; glyphs are ours)


def one_line(text: str, limit: int = 160) -> SafeString:
    """The start of `text` in one line, for summaries that stand beside the whole."""
    line = " ".join(text[: limit * 4].split())
    return shown(line if len(line) <= limit else line[: limit - 1].rstrip() + "…")


def _text(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return shown(tokens[index].content)


def _code(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f"<code>{shown(tokens[index].content)}</code>"


def _block(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f"<pre><code>{shown(tokens[index].content)}</code></pre>\n"


def _link(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    if not SAFE_LINK.match(str(token.attrs.get("href", ""))):
        token.attrs["href"] = "#"
    token.attrs["rel"] = "noopener noreferrer nofollow ugc"
    token.attrs["target"] = "_blank"
    return self.renderToken(tokens, index, options, env)


def _heading(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    # the page has its own headings; those of an answer begin two levels below them
    level = min(6, int(tokens[index].tag[1]) + 2)
    tokens[index].tag = f"h{level}"
    return self.renderToken(tokens, index, options, env)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")
    rules: dict[str, Any] = {
        "text": _text,
        "code_inline": _code,
        "code_block": _block,
        "fence": _block,
        "link_open": _link,
        "heading_open": _heading,
        "heading_close": _heading,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


_MARKDOWN = _parser()


def markdown(text: str) -> SafeString:
    """`text` as CommonMark with tables: raw HTML stays text, images become links, only http(s) and mailto links work."""
    html: str = _MARKDOWN.render(text.replace("\r\n", "\n"))
    return mark_safe(html)  # noqa: S308 (html=False, and every text rule escapes)
