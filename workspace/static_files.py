"""How static files are kept for serving: style sheets without comments and blanks, a hash in every name, compressed."""

from collections.abc import Iterator
from typing import Any

import rcssmin
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, with our own style sheets made small first (vendored files stay as they came)."""

    # `import "./whetstone.js"` must load the very file the page loads by its hashed name, or its listeners would be
    # there twice. Only in our own scripts: vendored ones mention files that they do not bring
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Minify css/*.css in place, then hash and compress everything."""
        if not dry_run:
            for name in list(paths):
                if name.startswith("css/") and name.endswith(".css"):
                    with self.open(name) as file:
                        small = rcssmin.cssmin(file.read().decode())
                    self.delete(name)
                    self._save(name, ContentFile(small.encode()))
                    paths[name] = (self, name)  # hash what was written here, not the source
        yield from super().post_process(paths, dry_run, **options)
