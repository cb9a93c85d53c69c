"""Decides what the declared tools are, for any domain, and which rule a call's arguments break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import is_
from typing import Final, Literal, NamedTuple, cast

import orjson

from datagen_core.config import TOOLS
from datagen_core.environment import SchemaValidator
from datagen_core.errors import ConfigError

ArgumentRule = Literal["C02", "C03", "C04", "C05", "C06"]

_RULE_OF_KEYWORD: Final[dict[str, ArgumentRule]] = {
    "required": "C02",
    "dependentRequired": "C02",
    "type": "C03",
    "x-strict-integer": "C03",
    "additionalProperties": "C04",
    "unevaluatedProperties": "C04",
    "propertyNames": "C04",
}
"""Every other keyword (enum, minimum, pattern, format, minItems …) is C05."""

_MESSAGE_LENGTH: Final = 200


class ArgumentFault(NamedTuple):
    """What is wrong with a call's arguments, by rule."""

    rule_id: ArgumentRule
    message: str


class _ArgumentValidator(SchemaValidator):
    """Tells which keyword fails, where the plain validator only says that and where."""

    __slots__ = ()

    def faults(self, arguments: object) -> Iterator[tuple[str, list[str | int], str]]:
        """Yield (keyword, path, message) for arguments that are strict JSON."""
        if self._compiled.is_valid(arguments):
            return
        for error in self._compiled.iter_errors(arguments):
            yield error.kind.name, error.instance_path, error.message[:_MESSAGE_LENGTH]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One declared tool, its schema compiled; `id_arguments` are those that hold a UUID or a list of them."""

    name: str
    properties: Mapping[str, object]
    required: frozenset[str]
    id_arguments: tuple[str, ...]
    validator: _ArgumentValidator

    def faults(self, arguments: Mapping[str, object], *, is_valid: bool = False) -> Iterator[ArgumentFault]:
        """Yield what is wrong with the arguments, which must be strict JSON; `is_valid` if they are known to fit.

        An optional argument that is null or empty is C06 and nothing else, whatever its schema says of such values.
        """
        empty = [name for name, value in arguments.items() if value in (None, "") and self._is_optional(name)]
        for name in empty:
            shown = "null" if arguments[name] is None else "empty"
            yield ArgumentFault("C06", f"{self.name}: the optional argument {name!r} is {shown}, it should be left out")
        for keyword, path, message in () if is_valid else self.validator.faults(arguments):
            if path and path[0] in empty:
                continue
            rule_id = _RULE_OF_KEYWORD.get(keyword, "C05")
            yield ArgumentFault(rule_id, f"{self.name}{''.join(f'[{part!r}]' for part in path)}: {message}")

    def _is_optional(self, name: str) -> bool:
        return name in self.properties and name not in self.required


class ToolSet(NamedTuple):
    """The tools of a dialogue by name, and what is wrong with their declarations (C07)."""

    specs: dict[str, ToolSpec]
    problems: tuple[str, ...]


def read_tools(tools: Sequence[object]) -> ToolSet:
    """Return the declared tools; those that cannot be read are among the problems. Equal declarations share one."""
    if len(tools) == len(TOOLS) and all(map(is_, tools, TOOLS)):
        return _read_ours()
    try:
        return _read_tools(orjson.dumps(tools))
    except (TypeError, RecursionError) as error:
        return ToolSet({}, (f"the tools cannot be written as JSON: {error}",))


@lru_cache(maxsize=1)
def _read_ours() -> ToolSet:
    return _read_tools(orjson.dumps(TOOLS))


@lru_cache(maxsize=256)
def _read_tools(tools: bytes) -> ToolSet:
    specs: dict[str, ToolSpec] = {}
    problems: list[str] = []
    for number, tool in enumerate(cast("list[object]", orjson.loads(tools))):
        spec = _read_tool(tool)
        if isinstance(spec, str):
            problems.append(f"tool {number}: {spec}")
        elif spec.name in specs:
            problems.append(f"tool {number}: the name {spec.name!r} is declared twice")
        else:
            specs[spec.name] = spec
    return ToolSet(specs, tuple(problems))


def _read_tool(tool: object) -> ToolSpec | str:
    function = _as_object(_as_object(tool).get("function"))
    name = function.get("name")
    if _as_object(tool).get("type") != "function" or not isinstance(name, str) or not name:
        return 'expected {"type": "function", "function": {"name": …}}'
    # The API lets a tool without parameters leave them out.
    parameters = function.get("parameters", {"type": "object", "properties": {}})
    if not isinstance(parameters, dict) or cast("dict[str, object]", parameters).get("type") != "object":
        return f"the parameters of {name!r} are no schema of type object"
    schema = cast("dict[str, object]", parameters)
    unknown = next(_unknown_required(schema), None)
    if unknown is not None:
        return f"{name!r} requires {unknown!r}, which is none of its properties"
    try:
        validator = _ArgumentValidator(schema)
    except ConfigError as error:
        return f"{name!r}: {error}"
    properties = _as_object(schema.get("properties"))
    required = frozenset(cast("list[str]", schema.get("required", [])))
    ids = tuple(key for key, part in properties.items() if key.endswith(("_id", "_ids")) and _holds_uuid(part))
    return ToolSpec(name, properties, required, ids, validator)


def _unknown_required(schema: Mapping[str, object]) -> Iterator[object]:
    """Yield what an object's `required` names and its `properties` do not, at any depth."""
    properties = _as_object(schema.get("properties"))
    required = schema.get("required")
    if isinstance(required, list):
        yield from (
            name for name in cast("list[object]", required) if not isinstance(name, str) or name not in properties
        )
    for part in (*properties.values(), schema.get("items")):
        yield from _unknown_required(_as_object(part)) if part else ()


def _holds_uuid(schema: object) -> bool:
    part = _as_object(schema)
    if part.get("type") == "array":
        return _holds_uuid(part.get("items"))
    return part.get("format") == "uuid" or all(size in str(part.get("pattern")) for size in ("{8}-", "{12}"))


def _as_object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
