"""How static files are kept for serving: one style sheet a kind of page, without comments and blanks, a hash in every
name, compressed."""

from collections.abc import Iterator
from typing import Any

import lightningcss
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

COMMON = ("tokens", "base", "layout", "parts")
# what each kind of page needs, in order; `{% styles "bench" %}` in a template names one
SHEETS = {
    "app": (*COMMON, "lists", "charts", "pages"),
    "traces": (*COMMON, "lists", "traces"),
    "bench": (*COMMON, "review", "long"),
    "attempts": (*COMMON, "lists", "attempts"),
    "queues": (*COMMON, "queues"),
    "charts": (*COMMON, "lists", "timecharts"),
}


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, with our own style sheets joined and made small first (vendored files stay as they came)."""

    joins_sheets = True
    # `import "./whetstone.js"` must load the very file the page loads by its hashed name, or its listeners would be
    # there twice. Only in our own scripts: vendored ones mention files that they do not bring
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Write css/all-KIND.css for every kind of page, then hash and compress everything."""
        if not dry_run:
            for kind, names in SHEETS.items():
                parts = []
                for name in names:
                    with self.open(f"css/{name}.css") as file:
                        parts.append(lightningcss.process_stylesheet(file.read().decode(), filename=name, minify=True))
                joined = f"css/all-{kind}.css"
                self.delete(joined)
                self._save(joined, ContentFile("".join(parts).encode()))
                paths[joined] = (self, joined)
        yield from super().post_process(paths, dry_run, **options)
