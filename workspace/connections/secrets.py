"""Keys of endpoints, encrypted with a key derived from SECRET_KEY (HKDF-SHA256, then Fernet).

SECRET_KEY_FALLBACKS are tried when reading, so the secret can be changed without losing the keys.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """The stored key was written under another SECRET_KEY."""


def encrypt(text: str) -> bytes:
    """The key, encrypted; empty stays empty."""
    return _box().encrypt(text.encode()) if text else b""


def decrypt(stored: bytes | memoryview) -> str:
    """The key in the clear. Raises Unreadable where SECRET_KEY has changed."""
    if not bytes(stored):
        return ""
    try:
        return _box().decrypt(bytes(stored)).decode()
    except InvalidToken:
        raise Unreadable(
            "The key was stored under another SECRET_KEY. Enter it again in the project's settings."
        ) from None


def _box() -> MultiFernet:
    return MultiFernet([_fernet(secret) for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])


def _fernet(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=b"whetstone", info=b"connection keys").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
