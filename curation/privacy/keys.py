"""Keys and passwords: by the forms that their providers publish, and by what stands before them."""

import re
from collections.abc import Iterator

from curation.privacy.cues import in_small_letters
from curation.privacy.lines import in_lines
from curation.privacy.passwords import passwords
from curation.privacy.placeholders import is_a_placeholder, is_of_words

# what a provider's scanners and ours tell a key by: a prefix of its own, then its alphabet and length
_FORMS = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=/bot))(?:"
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
    r"|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}|[0-9a-f]{32}-us\d{1,2}"  # LangSmith, Brevo ...
    r"|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}|EAAA[\w-]{60}|EAA[\w-]{90,}|sntry[su]_[\w+/=]{40,}"  # Resend, Square, Meta, Sentry
    r"|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|ATATT3[\w=-]{100,}"  # Terraform, Airtable ...
    r"|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}|pscale_(?:tkn|pw|oauth)_[\w=.-]{32,}"
    r"|(?:sbp_|pul-|bkua_)[0-9a-f]{40}|HRKU-[\w-]{30,}|tskey-[a-z]+-\w{8,}-\w{20,}|nfp_[A-Za-z0-9]{36,}"  # Supabase, Pulumi ...
    r"|CFPAT-[\w-]{43}|duffel_(?:live|test)_[\w-]{43}|shippo_(?:live|test)_[0-9a-f]{40}|tfp_[\w-]{40,}"  # Contentful ...
    r"|AGE-SECRET-KEY-1[A-Z0-9]{58}|\d{8,10}:AA[\w-]{33}|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}"  # Telegram, Discord
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"  # JSON web tokens (RFC 7519)
    r")(?![A-Za-z0-9])"
)
_CROSSED = re.compile(r"[xX]{8}")
_RUN = re.compile(r"[\w+/=:.~-]{15,}")  # no form is shorter, or has other signs
_HOOKS = re.compile(
    r"hooks\.slack\.com/(?:services|workflows|triggers)/(T\w{6,}/\w{6,}/[\w/]{16,})|discord(?:app)?\.com/api/webhooks/(\d{17,20}/[\w-]{50,})"
    r"|://(?!hooks\.slack)(?:[\w-]{1,63}\.){0,3}(?:web)?hooks?\.[\w.-]{3,60}/[\w/@-]{0,200}(?<=[/@])"
    r"((?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{7,64})(?![\w@-])"  # any host of hooks: the last part drawn by lot
)
_HEADER = re.compile(
    r"(?:(?<![a-z])bearer\s{1,3}([a-z0-9._~+/-]{16,4096}=*)"  # RFC 6750
    r"|(?<![a-z])authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:basic|token|apikey|key)\s{1,3}([a-z0-9+/_.-]{8,4096}={0,2}))"  # RFC 7617
)
_URI = re.compile(r"://[^\s:/@\"'<>]{0,64}:([^\s/@\"'<>]{3,128})@(?=[\w\[])")  # RFC 3986 3.2.1
_SIGNED = re.compile(r"(?<=[?&;])(?:sig|X-Amz-Signature|X-Goog-Signature)=([\w%+/=-]{20,})")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_LENGTH = 16_000
_DIGIT = re.compile(r"\d")


def keys(text: str) -> Iterator[tuple[int, int]]:
    """Where keys and passwords stand. Of what is assigned or sent in a header, the value alone."""
    yield from _blocks(text)
    for run in _RUN.finditer(text):
        for form in _FORMS.finditer(text, *run.span()):
            if not (_CROSSED.search(form.group()) or is_of_words(form.group())):
                yield form.span()
    if "://" in text:
        yield from (match.span(1) for match in _URI.finditer(text) if not is_a_placeholder(match.group(1)))
        yield from (match.span(match.lastindex or 0) for match in _HOOKS.finditer(text))
        yield from (match.span(1) for match in _SIGNED.finditer(text))
    small = in_small_letters(text)
    for match in _HEADER.finditer(small) if "bearer" in small or "authorization" in small else ():
        start, end = match.span(match.lastindex or 0)
        if _DIGIT.search(text, start, end) and not is_a_placeholder(text[start:end]):
            yield start, end
    yield from passwords(text, small)
    yield from in_lines(text, small)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Private keys in textual form (RFC 7468); one without an end is its first line."""
    if "PRIVATE KEY" not in text:
        return
    for begin in _PEM.finditer(text):
        end = _PEM_END.search(text, begin.end(), begin.end() + _PEM_LENGTH)
        yield begin.start(), end.end() if end else begin.end()
