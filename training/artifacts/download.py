"""A trained model as one file, made while it is sent: constant memory, nothing written to disk."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from training.artifacts import bases
from training.models import ModelVersion

PIECE = 1 << 18
CARD = "model-card.json"


class NoFiles(ValueError):
    """The model has no files here."""


class _Sink(io.RawIOBase):
    """Takes what an archive writes and gives it out again; it cannot seek."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def write(self, data: Any) -> int:
        block = bytes(data)
        self.waiting.append(block)
        self.at += len(block)
        return len(block)

    def take(self) -> bytes:
        block, self.waiting = b"".join(self.waiting), []
        return block


def card(model: ModelVersion) -> dict[str, Any]:
    """What the model is and what it came from, for the archive and the API. Holds no path of this machine."""
    run = model.run
    version = run.dataset_version if run else None
    base = model.base
    return {
        "name": model.name,
        "version": model.number,
        "id": str(model.uid),
        "digest": model.digest,
        "bytes": model.bytes,
        "is_adapter": model.is_adapter,
        "created_at": model.created_at.isoformat(),
        "base": {
            "name": str(base),
            "source": base.source,
            "reference": Path(base.reference).name if base.source == ModelVersion.Source.FOLDER else base.reference,
            "id": str(base.uid),
        }
        if base
        else None,
        "dataset": {"name": str(version), "id": str(version.uid), "content_hash": version.content_hash}
        if version
        else None,
        "run": {
            "name": run.name,
            "id": str(run.uid),
            "settings": {key: value for key, value in run.settings.items() if not key.startswith("_")},
            "author": run.author,
        }
        if run
        else None,
        "facts": model.facts,
        "note": "The base is random: this model is for trying the loop." if _on_tiny(model) else "",
    }


def _on_tiny(model: ModelVersion) -> bool:
    root: ModelVersion | None = model
    while root is not None and root.source == ModelVersion.Source.RUN:
        root = root.base
    return root is not None and root.source == ModelVersion.Source.TINY


def archive(model: ModelVersion, *, form: str = "zip") -> Generator[bytes]:
    """The files of a trained model and its card in one folder, as "zip" or "tar" (not compressed: weights do not
    shrink). Raises NoFiles before the first piece."""
    folder = bases.folder_of(model)
    if model.source != ModelVersion.Source.RUN or not folder.is_dir():
        raise NoFiles(f"{model} has no files here to download.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    described = json.dumps(card(model), indent=2, ensure_ascii=False).encode()
    top = f"{''.join(c if c.isalnum() or c in '-_.' else '-' for c in model.name)}-{model.number}"
    entries = [(f"{top}/{path.relative_to(folder).as_posix()}", path) for path in files]
    maker: Callable[..., Generator[bytes]] = _tar if form == "tar" else _zip
    return maker(entries, (f"{top}/{CARD}", described))


def _zip(entries: Iterable[tuple[str, Path]], described: tuple[str, bytes]) -> Generator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        made.writestr(*described)
        for name, path in entries:
            with path.open("rb") as source, made.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
                while block := source.read(PIECE):
                    target.write(block)
                    yield sink.take()
    yield sink.take()


def _tar(entries: Iterable[tuple[str, Path]], described: tuple[str, bytes]) -> Generator[bytes]:
    info = tarfile.TarInfo(described[0])
    info.size = len(described[1])
    yield info.tobuf(tarfile.PAX_FORMAT) + _padded(described[1])
    for name, path in entries:
        info = tarfile.TarInfo(name)
        info.size, info.mtime = path.stat().st_size, int(path.stat().st_mtime)
        yield info.tobuf(tarfile.PAX_FORMAT)
        with path.open("rb") as source:
            yield from _exactly(source, info.size)
        yield _padded(b"", info.size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _exactly(source: BinaryIO, size: int) -> Generator[bytes]:
    while size:
        block = source.read(min(PIECE, size))
        if not block:
            raise OSError("A file of the model became shorter while it was sent.")
        size -= len(block)
        yield block


def _padded(content: bytes, size: int | None = None) -> bytes:
    """`content` and the zeros that fill its last block; `size` where the content went out before."""
    rest = (len(content) if size is None else size) % tarfile.BLOCKSIZE
    return content + bytes(tarfile.BLOCKSIZE - rest if rest else 0)


def pieces_of(path: Path) -> Generator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as source:
        while block := source.read(PIECE):
            yield block
