from __future__ import annotations

import pytest
import yaml
from dataset_rows import FACTS

from datagen_core.dataset import CardFacts, render_card
from datagen_core.dataset.card import RunFacts, SplitTotals


def front_matter(card: str) -> dict[str, object]:
    _, block, _ = card.split("---\n", 2)
    return yaml.safe_load(block)


def run_of(split: str, n_rows: int, *, simulated: bool = False) -> RunFacts:
    return RunFacts(
        run_id=f"run-{split}",
        split=split,
        n_rows=n_rows,
        kinds={"tool_use": n_rows},
        categories={},
        provider="openai",
        model="m|n",
        simulated=simulated,
        seed=1,
    )


def test_front_matter_says_what_the_hub_wants_to_know() -> None:
    fields = front_matter(render_card(FACTS))
    assert fields["license"] == "apache-2.0"
    assert fields["language"] == ["ko"]
    assert fields["pretty_name"] == "Delivery dialogues"
    assert fields["task_categories"] == ["text-generation"]
    assert "function-calling" in str(fields["tags"])
    assert fields["size_categories"] == ["n<1K"]
    assert fields["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]
    assert "dataset_info" not in fields


def test_front_matter_states_the_sizes_of_all_splits() -> None:
    splits = [SplitTotals("train", 1500, 90_000, 30_000), SplitTotals("test", 80, 8_000, 4_000)]
    fields = front_matter(render_card(FACTS, splits=splits))
    info = fields["dataset_info"]
    assert isinstance(info, dict)
    assert [(split["name"], split["num_examples"]) for split in info["splits"]] == [("train", 1500), ("test", 80)]
    assert (info["download_size"], info["dataset_size"]) == (34_000, 98_000)
    assert [feature["name"] for feature in info["features"]][:2] == ["id", "tools"]
    assert fields["size_categories"] == ["1K<n<10K"]
    assert fields["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "data/train-*"}, {"split": "test", "path": "data/test-*"}],
        }
    ]


@pytest.mark.parametrize(
    ("n_rows", "label"), [(999, "n<1K"), (1000, "1K<n<10K"), (10_000, "10K<n<100K"), (5_000_000, "1M<n<10M")]
)
def test_size_category_has_an_exclusive_upper_bound(n_rows: int, label: str) -> None:
    assert front_matter(render_card(FACTS.model_copy(update={"n_rows": n_rows})))["size_categories"] == [label]


def test_simulated_data_says_so() -> None:
    assert "**Simulated.**" not in render_card(FACTS)
    assert "These dialogues were written by a scripted simulator" in render_card(
        FACTS.model_copy(update={"simulated": True})
    )


def test_an_earlier_simulated_run_is_not_forgotten() -> None:
    card = render_card(FACTS, runs=[run_of("train", 4, simulated=True), run_of("train", 6)])
    assert "4 of these 10 dialogues were written by a scripted simulator" in card
    assert "| tool_use | 10 |" in card


def test_body_shows_fields_funnel_and_versions() -> None:
    card = render_card(FACTS, repo_id="team/x")
    for column in ("id", "tools", "uid", "dates", "system_prompt", "messages", "meta"):
        assert f"| `{column}` |" in card
    assert "| requested | 5 |" in card
    assert "| rules | 3 |" in card
    assert 'load_dataset("team/x", split="train")' in card


def test_a_bar_in_a_name_does_not_break_the_table() -> None:
    assert "| m\\|n |" in render_card(FACTS, runs=[run_of("train", 1)])


def test_a_title_that_looks_like_yaml_stays_a_title() -> None:
    title = "가: [b] # c"
    assert front_matter(render_card(FACTS.model_copy(update={"title": title})))["pretty_name"] == title


def test_a_title_is_one_line() -> None:
    with pytest.raises(ValueError, match="title"):
        CardFacts.model_validate(FACTS.model_dump() | {"title": "a\n---"})
