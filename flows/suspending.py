"""Decides how a suspended run tells that its process ends: its heart is silent from then on, and that is no alarm."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.events.related import tags_as_related_resources
from prefect.exceptions import Pause

LEFT: Final = "datagen.flow-run.left"
"""What automations.yaml takes for an answer as good as a heartbeat."""


@contextmanager
def telling_when_suspended() -> Generator[None]:
    """Within the block, tell the server when a suspension ends it.

    A run that somebody suspends in the UI goes on for some seconds, and its heart with it. The heartbeats
    that follow the suspension are not followed by anything then, as if the process had died.
    """
    try:
        yield
    except Pause:
        context = FlowRunContext.get()
        if context is not None and context.flow_run is not None:
            run = context.flow_run
            resource = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name}
            emit_event(LEFT, resource=resource, related=list(tags_as_related_resources(set(run.tags))))
        raise
