"""Decides how the shares of kinds are read and shared out, and what else about drawing scenarios can be chosen."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Final, cast

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import KIND_MIX, KINDS, Kind, Writer
from datagen_core.errors import ConfigError

BLOCK: Final = 100
"""Within each block of this many training scenarios the kinds stand in exactly the mix's shares."""


class Sampling(BaseModel):
    """How training scenarios are drawn, besides their seed. The default one gives ids that can be sampled again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mix: dict[Kind, float] = Field(default_factory=lambda: dict(KIND_MIX))
    parallel_calls: bool = False
    writer: Writer = "script"

    @property
    def suffix(self) -> str:
        """What ids end with: nothing for the default sampling; else the same for the same shares."""
        shares = share_out(self.mix)
        if shares == share_out(KIND_MIX) and not self.parallel_calls:
            return ""
        told = ",".join(f"{kind}={count}" for kind, count in shares) + f"/{self.parallel_calls}"
        return f"-x{hashlib.blake2b(told.encode(), digest_size=4).hexdigest()}"


DEFAULT_SAMPLING: Final = Sampling()


def read_mix(text: str) -> dict[Kind, float]:
    """Read shares such as `tool_use=0.5,clarification=0.5`; kinds not named get none.

    Raises:
        ConfigError: a part is no kind with a share, or the shares cannot be shared out.
    """
    mix: dict[Kind, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        kind = cast("Kind", name.strip())
        try:
            if kind in mix:
                raise ValueError
            mix[kind] = float(share)
        except ValueError as error:
            raise ConfigError(_describe_mix(text)) from error
    share_out(mix)
    return mix


def check_mix(mix: Mapping[Kind, float]) -> str | None:
    """Return what is wrong with the shares, and what would be right; None where nothing is."""
    unknown = [kind for kind in mix if kind not in KINDS]
    total = sum(mix.values())
    is_wrong = bool(unknown) or not math.isfinite(total) or total <= 0 or min(mix.values()) < 0
    return _describe_mix(dict(mix)) if is_wrong else None


def _describe_mix(given: object) -> str:
    return (
        f"mix: expected shares >= 0 for kinds out of {', '.join(KINDS)}, such as tool_use=0.5,partial=0.5, "
        f"got {given}. Correct the names and the shares; they need not add up to 1."
    )


def share_out(mix: Mapping[Kind, float]) -> tuple[tuple[Kind, int], ...]:
    """Turn shares into whole numbers of a block by the largest remainder."""
    problem = check_mix(mix)
    if problem is not None:
        raise ConfigError(problem)
    total = sum(mix.values())
    exact = {kind: mix.get(kind, 0.0) / total * BLOCK for kind in KINDS}
    counts: dict[Kind, int] = {kind: int(exact[kind]) for kind in KINDS}
    by_remainder = sorted(KINDS, key=lambda kind: counts[kind] - exact[kind])
    for kind in by_remainder[: BLOCK - sum(counts.values())]:
        counts[kind] += 1
    return tuple(counts.items())
