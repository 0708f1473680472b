"""Values as OTLP writes them, in protobuf and in JSON, into plain Python: what spans and log records share.

Source: opentelemetry-proto, `common/v1/common.proto`; for JSON docs/specification.md (ids are hex, whole numbers come as
text or as numbers, enums as numbers; some encoders write their names, or field names as in the .proto file).
"""

import base64
import math
import string
from collections.abc import Iterable
from typing import Any

_MOST_TIME = 2**63 - 1
_HEX = set(string.hexdigits)


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Protobuf's KeyValue messages as {key: value}."""
    # nearly all are text, which is quicker to take than to ask of what kind it is
    return {pair.key: pair.value.string_value or any_value(pair.value) for pair in pairs}


def any_value(value: Any) -> Any:
    """A protobuf AnyValue; bytes become base64 text."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [any_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def json_attributes(pairs: Any) -> dict[str, Any]:
    """A list of {key, value}; a plain object (which the standard does not allow, but some send) is taken as it is."""
    if isinstance(pairs, dict):
        return pairs
    if not isinstance(pairs, list):
        return {}
    return {text(pair.get("key")): json_value(pair.get("value")) for pair in pairs if isinstance(pair, dict)}


def json_value(value: Any) -> Any:
    """An AnyValue in JSON."""
    if not isinstance(value, dict):
        return value
    if "stringValue" in value:
        return value["stringValue"]
    if "intValue" in value:
        return whole(value["intValue"])
    if "doubleValue" in value:
        return _double(value["doubleValue"])
    if "boolValue" in value:
        return value["boolValue"]
    if "bytesValue" in value:
        return value["bytesValue"]
    array, pairs = value.get("arrayValue"), value.get("kvlistValue")
    if isinstance(array, dict):
        items = array.get("values")
        return [json_value(item) for item in items] if isinstance(items, list) else []
    if isinstance(pairs, dict):
        return json_attributes(pairs.get("values"))
    return None


def json_scope(scoped: dict[str, Any]) -> dict[str, str]:
    """Name, version and schema of who wrote the spans or records of one group."""
    named = scoped["scope"] if isinstance(scoped.get("scope"), dict) else {}
    return {
        "name": text(named.get("name")),
        "version": text(named.get("version")),
        "schema_url": text(get(scoped, "schemaUrl")),
    }


def json_resource(group: dict[str, Any]) -> dict[str, Any]:
    """Attributes of what sent one group."""
    found = group.get("resource")
    return json_attributes(found.get("attributes")) if isinstance(found, dict) else {}


def objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list field; [] where it is none."""
    values = get(holder, key)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def get(holder: dict[str, Any], key: str) -> Any:
    """A field by its JSON name, or by its name in the .proto file."""
    if key in holder:
        return holder[key]
    return holder.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key))


def is_id(value: str, length: int) -> bool:
    """Whether a text is an id: hex digits of this length, not all zero."""
    return len(value) == length and _HEX.issuperset(value) and bool(value.strip("0"))


def text(value: Any) -> str:
    """Text as it is, nothing as "", anything else in Python's words."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def time(value: Any) -> int:
    """Nanoseconds since 1970; 0 where it is no such number or does not fit 63 bits."""
    found = whole(value)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _MOST_TIME else 0


def whole(value: Any) -> Any:
    """Integers come as numbers or as text."""
    if isinstance(value, str) and len(value) <= 20 and value.lstrip("-").isdigit() and value.isascii():
        try:
            return int(value)
        except ValueError:
            return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return value


def _double(value: Any) -> Any:
    """ "NaN", "Infinity" and "-Infinity" come as text; they stay text."""
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            return value
        return found if math.isfinite(found) else value
    return value
