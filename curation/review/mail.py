"""A mail that an agent wrote or read, drawn as one: who, to whom, about what, and the words."""

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from curation.review.folds import WIDE, View
from curation.review.shown import shown

HEADS = ("from", "sender", "to", "recipient", "recipients", "cc", "bcc", "reply_to", "subject", "date")
BODIES = ("body", "text", "message", "content", "html_body")


def mail(asked: dict[str, Any]) -> View | None:
    """The view of a mail; None for what is none: it needs a subject or a sender, somebody it goes to, and words. What has
    other fields besides is no mail either, since they would be lost."""
    low = {key.lower(): value for key, value in asked.items()}
    body = next((key for key in BODIES if isinstance(low.get(key), str)), "")
    heads = {key: low[key] for key in HEADS if key in low}
    about = "subject" in heads and any(key in heads for key in ("to", "recipient", "recipients", "from", "sender"))
    if not about or not body or set(low) - set(heads) - {body} or len(low) != len(asked):
        return None
    texts = {key: _text(value) for key, value in heads.items()}
    if any(value is None for value in texts.values()) or len(low[body]) > WIDE:
        return None
    rows = ((key.replace("_", " ").capitalize(), shown(value or "")) for key, value in texts.items())
    html = format_html(
        '<dl class="facts snug">{}</dl><div class="pre">{}</div>',
        format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows), shown(low[body]),
    )  # fmt: skip
    return View("mail", SafeString(html))


def _text(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else "" if value is None else None
