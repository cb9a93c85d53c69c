"""Decides whether arguments and responses fit the tools' schemas: real JSON only, and 3.0 is no integer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, cast

import jsonschema_rs
import orjson

from datagen_core.config import ERROR_FORMAT, TOOLS, TOOLS_RETURN_FORMAT
from datagen_core.errors import ConfigError

Schema = Mapping[str, object]

MAX_DEPTH: Final = 64
"""Deeper nesting is refused: jsonschema-rs gives up near 255, Python's own recursion near 1,000."""

_MESSAGE_LENGTH: Final = 200
_INTEGER_KEYWORD: Final = "x-strict-integer"
_SCHEMA_MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_PLAIN_KEYWORDS: Final = frozenset({"const", "enum", "default", "examples", "required"})


class SchemaValidator:
    """A compiled schema; made once by `validator_for`, then shared."""

    __slots__ = ("_compiled",)

    def __init__(self, schema: Schema) -> None:
        """Compile the schema, formats included, without ever fetching a remote reference.

        Raises:
            ConfigError: the schema is no valid JSON Schema.
        """
        strict = cast("dict[str, object]", _mark_integers(schema))
        try:
            self._compiled = jsonschema_rs.validator_for(
                strict, validate_formats=True, offline=True, keywords={_INTEGER_KEYWORD: _StrictInteger}
            )
        except ValueError as error:
            reason = str(error).splitlines()[0][:_MESSAGE_LENGTH]
            raise ConfigError(f"A tool's schema is no valid JSON Schema: {reason}. Correct the declaration.") from error

    def is_valid(self, value: object) -> bool:
        """Tell whether the value is strict JSON and fits the schema; never raises."""
        return json_problem(value) is None and self._compiled.is_valid(value)

    def errors(self, value: object) -> list[str]:
        """Return every violation as `path: message`, cut to 200 characters; never raises."""
        problem = json_problem(value)
        if problem is not None:
            return [problem]
        return [
            f"{_path(error.instance_path)}: {error.message}"[:_MESSAGE_LENGTH]
            for error in self._compiled.iter_errors(value)
        ]

    def find_fault(self, value: object) -> str | None:
        """Return the top-level key under which the first violation lies; None where it lies at the root."""
        if json_problem(value) is not None:
            return None
        paths = (error.instance_path for error in self._compiled.iter_errors(value))
        return next((str(path[0]) for path in paths if path), None)


def validator_for(schema: Schema) -> SchemaValidator:
    """Return the compiled validator of a schema; equal schemas share one, found by their bytes.

    Raises:
        ConfigError: the schema is no valid JSON Schema.
    """
    try:
        return _compile(orjson.dumps(schema))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise ConfigError(f"A tool's schema cannot be written as JSON ({error}). Correct the declaration.") from error


def argument_errors(tool: str, arguments: object) -> list[str]:
    """Return what is wrong with the arguments of a call of one of `config.TOOLS`; an empty list means nothing."""
    validator = ARGUMENT_VALIDATORS.get(tool)
    return [f"$: there is no tool {tool!r}"[:_MESSAGE_LENGTH]] if validator is None else validator.errors(arguments)


def response_errors(tool: str, response: object) -> list[str]:
    """Return what is wrong with a response, held to the tool's return schema or, if an error, `ERROR_FORMAT`."""
    if is_error(response):
        return _ERROR_VALIDATOR.errors(response)
    validator = RESPONSE_VALIDATORS.get(tool)
    return [f"$: there is no tool {tool!r}"[:_MESSAGE_LENGTH]] if validator is None else validator.errors(response)


def is_error(response: object) -> bool:
    """Tell whether a response is a refusal: an object with `error`, a key that no other response has."""
    return isinstance(response, dict) and "error" in response


def is_same_json(left: object, right: object) -> bool:
    """Tell whether two JSON values are equal in type too: 1, 1.0 and true all differ; key order does not matter.

    As deep as the shallower of the two, so a hostile value cannot exhaust the stack.
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        first, second = cast("dict[object, object]", left), cast("dict[object, object]", right)
        return first.keys() == second.keys() and all(is_same_json(first[key], second[key]) for key in first)
    if isinstance(left, list):
        ours, theirs = cast("list[object]", left), cast("list[object]", right)
        return len(ours) == len(theirs) and all(map(is_same_json, ours, theirs))
    return left == right


def json_problem(value: object, depth: int = 0) -> str | None:
    """Return why a value is no JSON that every reader takes, or None.

    Refused are other types than JSON's (tuples and subclasses too), NaN and infinities (jsonschema-rs reads them as
    null), integers past 64 bits and lone surrogates (neither can be written), and nesting past `MAX_DEPTH`.
    """
    kind = type(value)
    if kind is str:
        return None if _is_unicode(cast("str", value)) else "$: a string holds a lone surrogate"
    if kind is int:
        return None if -(2**63) <= cast("int", value) < 2**63 else "$: an integer does not fit 64 bits"
    if value is None or kind is bool:
        return None
    if kind is float:
        return None if math.isfinite(cast("float", value)) else "$: NaN and infinity are no JSON"
    if depth >= MAX_DEPTH:
        return f"$: nested deeper than {MAX_DEPTH} levels"
    if kind is dict:
        return _object_problem(cast("dict[object, object]", value), depth)
    if kind is list:
        for element in cast("list[object]", value):
            problem = json_problem(element, depth + 1)
            if problem is not None:
                return problem
        return None
    return f"$: {kind.__name__} is no JSON type"[:_MESSAGE_LENGTH]


def _object_problem(value: dict[object, object], depth: int) -> str | None:
    for key, element in value.items():
        if type(key) is not str or not (key.isascii() or _is_unicode(key)):
            return "$: a key is no valid string"
        if type(element) is str and element.isascii():  # as most are, so that they need no look of their own
            continue
        problem = json_problem(element, depth + 1)
        if problem is not None:
            return problem
    return None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _StrictInteger:
    """The keyword put beside `type: integer`: JSON Schema lets 3.0 pass, rule C03 does not."""

    def __init__(self, parent_schema: dict[str, object], value: object, schema_path: list[str | int]) -> None:
        pass

    def validate(self, instance: object) -> None:
        if isinstance(instance, float) and instance.is_integer():
            raise ValueError(f'{instance} is not of type "integer"')


def _mark_integers(schema: object) -> object:
    if isinstance(schema, list):
        return [_mark_integers(part) for part in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    marked: dict[str, object] = {}
    for key, part in cast("dict[str, object]", schema).items():
        if key in _SCHEMA_MAPS and isinstance(part, dict):
            marked[key] = {name: _mark_integers(inner) for name, inner in cast("dict[str, object]", part).items()}
        else:
            marked[key] = part if key in _PLAIN_KEYWORDS else _mark_integers(part)
    kinds = marked.get("type")
    if kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds and "number" not in kinds):
        marked[_INTEGER_KEYWORD] = True
    return marked


def _path(parts: list[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


@lru_cache(maxsize=2048)
def _compile(schema: bytes) -> SchemaValidator:
    return SchemaValidator(cast("Schema", orjson.loads(schema)))


def _argument_validators() -> dict[str, SchemaValidator]:
    functions = (cast("dict[str, object]", tool["function"]) for tool in TOOLS)
    return {cast("str", spec["name"]): validator_for(cast("Schema", spec["parameters"])) for spec in functions}


ARGUMENT_VALIDATORS: Final = _argument_validators()
RESPONSE_VALIDATORS: Final = {tool: validator_for(schema) for tool, schema in TOOLS_RETURN_FORMAT.items()}
_ERROR_VALIDATOR: Final = validator_for(ERROR_FORMAT)
