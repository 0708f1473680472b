"""How static files are kept for serving: one style sheet a kind of page, without comments and blanks, a hash in every
name, compressed. Our scripts lose their remarks."""

import fnmatch
import hashlib
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
    "pairs": (*COMMON, "review", "pairs"),
    "attempts": (*COMMON, "lists", "attempts"),
    "becomes": (*COMMON, "lists", "becomes"),
    "queues": (*COMMON, "queues"),
    "recipe": (*COMMON, "lists", "charts", "pages", "recipe"),
    "topics": (*COMMON, "lists", "charts", "pages", "topics"),
    "charts": (*COMMON, "lists", "timecharts"),
    "timeline": (*COMMON, "lists", "timeline"),
    "graders": (*COMMON, "lists", "charts", "graders"),
    "toolviews": (*COMMON, "review", "toolviews"),
}


OURS = "js/*.js"


def without_remarks(script: str) -> str:
    """A script of ours without lines that are only a remark, and without what stands before each line. Nothing inside a
    line is touched; texts over several lines have no place in our scripts (tests/budgets look)."""
    lines = (line.strip() for line in script.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, with our own style sheets joined and made small first (vendored files stay as they came)."""

    joins_sheets = True
    # `import "./whetstone.js"` must load the very file the page loads by its hashed name, or its listeners would be
    # there twice. Only in our own scripts: vendored ones mention files that they do not bring
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (OURS, CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )

    _scripts = ""

    def file_hash(self, name: str | None, content: Any = None) -> str | None:
        """The hash in a file's name. Our scripts have one together: they import each other in circles, so a hash of each
        one's content with the hashed names in it would never come to rest."""
        if self._scripts and fnmatch.fnmatch(name or "", OURS):
            return self._scripts
        found: str | None = super().file_hash(name, content)
        return found

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
            total = hashlib.sha256()
            for name in sorted(fnmatch.filter(paths, OURS)):
                with self.open(name) as file:
                    total.update(file.read())
            self._scripts = total.hexdigest()[:12]
            for name in [one for one in paths if one.startswith("js/") and one.endswith(".js")]:
                with self.open(name) as file:
                    short = without_remarks(file.read().decode())
                self.delete(name)
                self._save(name, ContentFile(short.encode()))
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run, **options)
