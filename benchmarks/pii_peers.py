"""The same texts through presidio and detect-secrets, each run by the Python of an environment of its own.

    python pii_peers.py presidio|detect-secrets < texts.json > found.json

Reads a JSON list of texts, writes {"seconds": ..., "found": [[[start, end, kind], ...] for each text]}. Nothing of this
project is imported here.
"""

import json
import sys
import time
from typing import Any

KINDS = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
    "PHONE_NUMBER": "phone",
}


def presidio(texts: list[str]) -> Any:
    """presidio-analyzer with its recognizers of our kinds and no language model (NoOpNlpEngine)."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    engine = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "noop"}])
    engine.load()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    begun = time.perf_counter()
    found = [
        [
            [one.start, one.end, KINDS[one.entity_type]]
            for one in analyzer.analyze(text, language="en", entities=[*KINDS])
        ]
        for text in texts
    ]
    return {"seconds": time.perf_counter() - begun, "found": found}


def detect_secrets(texts: list[str]) -> Any:
    """detect-secrets, line by line, without the plug-ins that flag by entropy alone."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    names = [one.__name__ for one in get_mapping_from_secret_type_to_class().values()]
    plugins = [{"name": name} for name in names if not name.endswith("HighEntropyString")]
    begun = time.perf_counter()
    found = []
    with transient_settings({"plugins_used": plugins}):
        for text in texts:
            places, at = [], 0
            for line in text.splitlines(keepends=True):
                for secret in scan_line(line):
                    start = line.find(secret.secret_value or "\0")
                    if start >= 0:
                        places.append([at + start, at + start + len(secret.secret_value), "key"])
                at += len(line)
            found.append(places)
    return {"seconds": time.perf_counter() - begun, "found": found}


WORK = {"presidio": presidio, "detect-secrets": detect_secrets}
if sys.argv[1:] and sys.argv[1] in WORK:  # no benchmark by itself, so it has no main
    json.dump(WORK[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
