"""Decides how a row of `dataset.jsonl` is read to be judged: what cannot be read becomes a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final, cast

from pydantic import TypeAdapter, ValidationError

from datagen_core.checks.case import Case
from datagen_core.dialogue.models import Dialogue
from datagen_core.dialogue.record import RecordError, read_messages, read_text, read_tools
from datagen_core.environment import Address, Opening
from datagen_core.environment.goals import AddressSaved, Predicate

_GOAL: Final[TypeAdapter[tuple[Predicate, ...]]] = TypeAdapter(tuple[Predicate, ...])
_NAMES: Final[TypeAdapter[tuple[str, ...]]] = TypeAdapter(tuple[str, ...])
_ADDRESS_FIELDS: Final = frozenset(part.name for part in fields(Address))


def case_from_record(record: Mapping[str, object]) -> Case:
    """Return the case of a row of `dataset.jsonl`, sound or damaged. Never raises: what cannot be read breaks S01.

    Of `meta` the keys opening, goal, forbidden_tools, kind, category and max_customer_turns count; all are optional.
    """
    problems: list[str] = []
    texts = {"uid": "", "dates": "", "system_prompt": ""}
    for name in texts:
        try:
            texts[name] = read_text(record, name)
        except RecordError as error:
            problems.append(str(error))
    try:
        specs = tuple(read_tools(record))
    except RecordError as error:
        specs = ()
        problems.append(str(error))
    if "tools" not in record:
        problems.append("Record, field 'tools': is missing.")
    turns, found = read_messages(record.get("messages"))
    dialogue = Dialogue(texts["uid"], texts["dates"], texts["system_prompt"], tuple(turns), specs)
    meta = _Meta(record.get("meta"))
    return Case(
        dialogue,
        problems=tuple(found),
        opening=meta.read_opening(),
        goal=meta.read_goal(),
        forbidden_tools=meta.read_names("forbidden_tools"),
        kind=meta.read_name("kind"),
        category=meta.read_name("category"),
        max_customer_turns=meta.read_count("max_customer_turns"),
        unreadable=(*problems, *meta.problems),
    )


class _Meta:
    """Reads `meta` key by key and collects what is wrong."""

    def __init__(self, meta: object) -> None:
        self.problems: list[str] = []
        self._fields: dict[str, object] = {}
        if isinstance(meta, dict):
            self._fields = cast("dict[str, object]", meta)
        elif meta is not None:
            self.problems.append(f"meta is {type(meta).__name__}, expected an object")

    def read_opening(self) -> Opening | None:
        value = self._fields.get("opening")
        try:
            return None if value is None else Opening.model_validate(value)
        except ValidationError as error:
            self._refuse("opening", error)
            return None

    def read_goal(self) -> tuple[Predicate, ...]:
        value = self._fields.get("goal")
        try:
            goal = () if value is None else _GOAL.validate_python(value)
        except ValidationError as error:
            self._refuse("goal", error)
            return ()
        saved = (name for predicate in goal if isinstance(predicate, AddressSaved) for name in predicate.fields)
        unknown = next((name for name in saved if name not in _ADDRESS_FIELDS), None)
        if unknown is not None:
            self.problems.append(f"meta.goal: an address has no field {unknown!r}")
            return ()
        return goal

    def read_names(self, key: str) -> tuple[str, ...]:
        value = self._fields.get(key)
        try:
            return () if value is None else _NAMES.validate_python(value)
        except ValidationError as error:
            self._refuse(key, error)
            return ()

    def read_name(self, key: str) -> str | None:
        value = self._fields.get(key)
        if value is None or isinstance(value, str):
            return value
        self.problems.append(f"meta.{key} is {type(value).__name__}, expected a string")
        return None

    def read_count(self, key: str) -> int | None:
        value = self._fields.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.problems.append(f"meta.{key} is {type(value).__name__}, expected an integer")
        return None

    def _refuse(self, key: str, error: ValidationError) -> None:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(["meta", key, *(str(part) for part in first["loc"])])
        self.problems.append(f"{place}: {first['msg']}")
