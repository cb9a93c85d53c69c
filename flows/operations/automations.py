"""Decides how the automations of the repository get on a server: by name, and only where something differs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger
from pydantic import ValidationError

from datagen_core.errors import ConfigError
from flows.operations.environment import HEARTBEAT_SECONDS

FILE_NAME: Final = "automations.yaml"
HEARTBEAT: Final = "prefect.flow-run.heartbeat"
MISSED_BEATS: Final = 3


def read_automations(path: Path, *, heartbeat_seconds: int = HEARTBEAT_SECONDS) -> list[AutomationCore]:
    """Return the file's automations; one that waits for heartbeats waits for three of them at least.

    Raises:
        ConfigError: the file cannot be read, or an automation in it is wrong; says which and what.
    """
    try:
        document = cast(object, yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read ({error}). Restore it from the repository.") from error
    rows = cast("dict[str, object]", document).get("automations") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise ConfigError(f"{path}: expected a list under 'automations'. Restore it from the repository.")
    patience = timedelta(seconds=MISSED_BEATS * max(heartbeat_seconds, HEARTBEAT_SECONDS))
    return [_read_one(path, row, patience) for row in cast("list[object]", rows)]


def apply_automations(client: SyncPrefectClient, wanted: list[AutomationCore]) -> list[str]:
    """Put the automations on the server, and return the names of those that were not there as wanted.

    One that is there already and no different is left alone: an update gives its trigger a new id, and every heartbeat
    that was being waited for is forgotten. Whether one is switched on is up to who operates the server.
    """
    return [automation.name for automation in wanted if _apply(client, automation)]


def _apply(client: SyncPrefectClient, wanted: AutomationCore) -> bool:
    there = client.read_automations_by_name(wanted.name)
    for double in there[1:]:
        client.delete_automation(double.id)
    if not there:
        client.create_automation(wanted)
        return True
    kept = wanted.model_copy(update={"enabled": there[0].enabled})
    if _describe(kept) == _describe(there[0]):
        return bool(there[1:])
    client.update_automation(there[0].id, AutomationCore.model_validate(_describe(kept)))
    return True


def _describe(automation: AutomationCore | Automation) -> dict[str, Any]:
    """Return what decides an automation's effect; ids and owners are the server's."""
    return automation.model_dump(exclude={"id", "created", "updated", "owner_resource"})


def _read_one(path: Path, row: object, patience: timedelta) -> AutomationCore:
    try:
        automation = AutomationCore.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        name = cast("dict[str, object]", row).get("name") if isinstance(row, dict) else row
        raise ConfigError(f"{path}, automation {name!r}, field {where!r}: {first['msg']}.") from error
    trigger = automation.trigger
    if isinstance(trigger, EventTrigger) and HEARTBEAT in trigger.after and trigger.within < patience:
        return automation.model_copy(update={"trigger": trigger.model_copy(update={"within": patience})})
    return automation
