"""Decides in which ways a good dialogue is damaged to see whether the rules notice: one module a kind of harm."""

from typing import Final

from benchmarks.mutations import (
    arguments,
    claims,
    corrections,
    decisions,
    ids,
    language,
    leaks,
    privacy,
    records,
    responses,
    searches,
    snapshots,
    speech,
    structure,
    wishes,
)
from benchmarks.mutations.base import Damage, Mutation
from benchmarks.mutations.rows import GOLD_MUTATIONS, ROW_MUTATIONS

MUTATIONS: Final[tuple[Mutation, ...]] = (
    *structure.MUTATIONS,
    *arguments.MUTATIONS,
    *ids.MUTATIONS,
    *responses.MUTATIONS,
    *snapshots.MUTATIONS,
    *searches.MUTATIONS,
    *wishes.MUTATIONS,
    *decisions.MUTATIONS,
    *corrections.MUTATIONS,
    *speech.MUTATIONS,
    *claims.MUTATIONS,
    *language.MUTATIONS,
    *leaks.MUTATIONS,
    *privacy.MUTATIONS,
    *records.MUTATIONS,
)

__all__ = ["GOLD_MUTATIONS", "MUTATIONS", "ROW_MUTATIONS", "Damage", "Mutation"]
