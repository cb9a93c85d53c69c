"""Decides what the dataset says of itself on the Hub: the README with its front matter."""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.dataset.features import build_features

DEFAULT_CONFIG: Final = "default"

LONGEST_NOTE: Final = 2_000
"""Characters of a reviewer's note that the card repeats; `reviews.json` has all of it."""

_LONGEST_NAME: Final = 100
_TAGS: Final = ["function-calling", "tool-use", "multi-turn", "dialogue", "korean", "synthetic", "datagen"]
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


class ReviewFacts(BaseModel):
    """What a person's review of the run came to; `n_rejected` dialogues were taken out because of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    reviewer: str = ""
    reviewed_at: str
    approved: bool
    n_rejected: int
    note: str = ""


class CardFacts(BaseModel):
    """What a run knows of the dataset it made. `funnel` counts dialogues by stage, in the order to be shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, pattern=r"^[^\r\n]+$")
    language: str = "ko"
    n_rows: int = Field(ge=0)
    kinds: dict[str, int] = Field(default_factory=dict)
    categories: dict[str, int] = Field(default_factory=dict)
    provider: str
    model: str
    simulated: bool = Field(description="The dialogues come from the simulator's writer, not from a language model.")
    versions: dict[str, str | int] = Field(
        default_factory=dict, description="Versions of the rules, the prompt, the tools."
    )
    seed: int
    funnel: dict[str, int] = Field(default_factory=dict)
    cost: str = Field(default="", description="What the run's answers cost, in a line; empty where nobody knows.")
    reviews: tuple[ReviewFacts, ...] = Field(
        default=(), description="What people said of the run before it was pushed."
    )


class RunFacts(BaseModel):
    """What one push added. It stands in the shard's footer, so that a later card can tell of every run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    split: str
    n_rows: int
    kinds: dict[str, int]
    categories: dict[str, int]
    provider: str
    model: str
    simulated: bool
    seed: int


class SplitTotals(NamedTuple):
    """A split's size: rows, bytes as Parquet holds them uncompressed, bytes to download."""

    name: str
    n_rows: int
    n_bytes: int
    download_bytes: int


def render_card(
    facts: CardFacts,
    *,
    repo_id: str = "owner/name",
    splits: Sequence[SplitTotals] = (),
    runs: Sequence[RunFacts] = (),
) -> str:
    """Return README.md: YAML front matter, then the description.

    Without `splits` it describes the run alone, as a `train` split, and leaves `dataset_info` out. With them the front
    matter states their exact sizes, which `load_dataset` verifies (NonMatchingSplitsSizesError).
    """
    n_rows = sum(split.n_rows for split in splits) if splits else facts.n_rows
    kinds = _add_up(run.kinds for run in runs) if runs else facts.kinds
    categories = _add_up(run.categories for run in runs) if runs else facts.categories
    first = splits[0].name if splits else "train"
    sections = [
        f"---\n{_render_front_matter(facts, n_rows, splits)}\n---\n",
        f"# {facts.title}\n",
        _render_warning(facts, runs),
        f"{n_rows:,} Korean multi-turn dialogues between a customer of a delivery app and its AI counsellor, who calls "
        "functions.\n",
        _HOW_MADE,
        _FIELDS,
        _LOADING.format(repo_id=repo_id, split=first),
        _render_table("Kinds of dialogue", ("kind", "dialogues"), kinds.items()),
        _render_table("Categories", ("category", "dialogues"), categories.items()),
        _render_runs(runs),
        _render_origin(facts),
        _render_table("Funnel of the latest run", ("stage", "dialogues"), facts.funnel.items()),
        _render_reviews(facts.reviews),
        _LIMITS,
    ]
    return "\n".join(section for section in sections if section)


def _render_front_matter(facts: CardFacts, n_rows: int, splits: Sequence[SplitTotals]) -> str:
    from huggingface_hub import DatasetCardData

    names = [split.name for split in splits] or ["train"]
    card = DatasetCardData(
        language=[facts.language],
        license="apache-2.0",
        pretty_name=facts.title,
        annotations_creators="machine-generated",
        language_creators="machine-generated",
        multilinguality="monolingual",
        size_categories=[next((label for limit, label in _SIZES if n_rows < limit), "10M<n<100M")],
        task_categories=["text-generation"],
        tags=_TAGS,
        configs=[
            {
                "config_name": DEFAULT_CONFIG,
                "data_files": [{"split": name, "path": f"data/{name}-*"} for name in names],
            }
        ],
    )
    if splits:
        from datasets import DatasetInfo, SplitDict, SplitInfo
        from datasets.info import DatasetInfosDict

        sizes = SplitDict()
        for split in splits:
            sizes.add(SplitInfo(name=split.name, num_bytes=split.n_bytes, num_examples=split.n_rows))
        info = DatasetInfo(
            features=build_features(),
            splits=sizes,
            download_size=sum(split.download_bytes for split in splits),
            dataset_size=sum(split.n_bytes for split in splits),
        )
        DatasetInfosDict({DEFAULT_CONFIG: info}).to_dataset_card_data(card)
    return card.to_yaml()


def _render_warning(facts: CardFacts, runs: Sequence[RunFacts]) -> str:
    simulated = sum(run.n_rows for run in runs if run.simulated)
    total = sum(run.n_rows for run in runs)
    if not (simulated or (facts.simulated and not runs)):
        return ""
    share = "These dialogues were" if simulated == total else f"{simulated:,} of these {total:,} dialogues were"
    return (
        f"> **Simulated.** {share} written by a scripted simulator, not by a language model. They show the "
        "format and exercise the pipeline; do not train on them or quote scores from them.\n"
    )


def _render_runs(runs: Sequence[RunFacts]) -> str:
    rows = [
        (run.run_id, run.split, f"{run.n_rows:,}", run.provider, run.model, str(run.seed), _yes(run.simulated))
        for run in runs
    ]
    return _render_table("Runs", ("run", "split", "dialogues", "provider", "model", "seed", "simulated"), rows)


def _render_origin(facts: CardFacts) -> str:
    rows = {"provider": facts.provider, "model": facts.model, "seed": str(facts.seed)}
    rows["simulated"] = _yes(facts.simulated)
    if facts.cost:
        rows["cost"] = facts.cost
    return _render_table("The latest run", ("setting", "value"), [*rows.items(), *facts.versions.items()])


def _render_reviews(reviews: Sequence[ReviewFacts]) -> str:
    """Return the reviews, and who made them where anybody is named."""
    is_named = any(one.reviewer for one in reviews)
    head = ("review", "time", *(["by"] if is_named else []), "approved", "rejected")
    rows = [
        (
            one.number,
            one.reviewed_at,
            *([_spell_out(one.reviewer)] if is_named else []),
            _yes(one.approved),
            one.n_rejected,
        )
        for one in reviews
    ]
    table = _render_table("Review of the latest run", head, rows)
    return "\n".join(part for part in (table, _REVIEWED if rows else "", *map(_render_note, reviews)) if part)


def _render_note(review: ReviewFacts) -> str:
    """Return a note as indented code, in which nothing is Markdown or HTML, and which no line can end."""
    note = "\n".join(_clean(line) for line in _shorten(review.note.strip(), LONGEST_NOTE).splitlines())
    if not note.strip():
        return ""
    lines = "\n".join(f"    {line}".rstrip() for line in note.splitlines())
    return f"Note of review {review.number}, as it was written:\n\n{lines}\n"


def _spell_out(text: str) -> str:
    """Return a text for a line of Markdown that means nothing but itself: every mark in it stands as its number."""
    marks = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation}
    return _clean(" ".join(_shorten(text, _LONGEST_NAME).split())).translate(marks)


def _clean(line: str) -> str:
    """Return a line without what cannot be seen, such as what turns the direction of writing."""
    return "".join(char for char in line if char == "\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"})


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _render_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a heading and a table, or nothing where there are no rows."""
    lines = [" | ".join(_cell(value) for value in row) for row in rows]
    if not lines:
        return ""
    body = "\n".join(f"| {line} |" for line in [" | ".join(head), " | ".join("---" for _ in head), *lines])
    return f"## {title}\n\n{body}\n"


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def _add_up(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


_HOW_MADE: Final = """\
## How it was made

A writer is given a scenario (a kind of dialogue, a customer, a goal, the state of the backend) and writes only the
script: what the customer says, which function the counsellor calls with what, what the counsellor says. A deterministic
delivery backend, which really implements the eleven functions, then performs the script. Every function response is
what that backend returned: ids chain, sums add up, and refusals are real refusals. Scripts that break a rule, that the
backend refuses where no refusal was planned, or that miss the scenario's goal are rejected and not part of the dataset.
"""

_FIELDS: Final = """\
## Fields

| field | type | content |
| --- | --- | --- |
| `id` | string | the scenario's id, unique in its split; the same as `meta.scenario_id` |
| `tools` | string | JSON: the list of function specifications, OpenAI form |
| `uid` | string | the customer's id (UUID) |
| `dates` | string | the day of the dialogue, `YYYY-MM-DD` |
| `system_prompt` | string | the counsellor's instructions, customer and date; the chat template adds the functions |
| `messages` | list of `{role, content}` | roles `user` and `assistant`; see below |
| `meta` | string | JSON: kind, category, goal, seed, model, batch, usage, versions |

A function call is assistant content `<tool_call>…</tool_call>`, its response user content
`<tool_response>…</tool_response>`: the text that Qwen's chat template would write.
"""

_LOADING: Final = """\
## Loading

```python
import json

from datasets import load_dataset

rows = load_dataset("{repo_id}", split="{split}")
row = rows[0]
tools, meta = json.loads(row["tools"]), json.loads(row["meta"])
conversation = [{{"role": "system", "content": row["system_prompt"]}}, *row["messages"]]
# text = tokenizer.apply_chat_template(conversation, tools=tools, tokenize=False)
```
"""

_REVIEWED: Final = """\
A person looked at the run's dialogues before they were published. None of those rejected is part of the dataset.
"""

_LIMITS: Final = """\
## Limits

All customers, restaurants, addresses and orders are invented. The dialogues are synthetic: automatic rules checked
them, people did not read them all. One domain, one language, eleven functions: do not expect more to transfer.
"""
