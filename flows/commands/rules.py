"""Decides how the rule catalogue and the backend's error codes are printed."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from datagen_core.checks.describing import describe_rules, render_rules
from datagen_core.environment.error_codes import list_error_meanings, render_error_codes
from flows.commands.tables import show_table


def rules(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, with the hints that the LLM gets.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The page in docs/.")] = False,
    errors: Annotated[bool, typer.Option("--errors", help="The backend's error codes instead of the rules.")] = False,
) -> None:
    """Print every rule that dialogues are judged by: id, sentence, severity, what it applies to, what it needs.

    Example: `datagen rules --json`
    """
    if as_json and as_markdown:
        raise typer.BadParameter("Name one of --json and --markdown.")
    if as_json:
        rows = [row._asdict() for row in (list_error_meanings() if errors else describe_rules())]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    elif as_markdown:
        typer.echo(render_error_codes() if errors else render_rules(), nl=False)
    elif errors:
        meanings = [[m.code, m.message, ", ".join(m.tools), m.when] for m in list_error_meanings()]
        show_table("Error codes", ["code", "message", "tools", "when"], meanings)
    else:
        described = [[r.id, r.sentence, r.severity, r.applies_to, ", ".join(r.needs)] for r in describe_rules()]
        show_table("Rules", ["id", "what must hold", "severity", "applies to", "needs"], described)
