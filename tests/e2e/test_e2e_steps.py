"""The six steps as commands, each a process of its own, on the embedded simulator and a loopback hub."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
READER = ROOT / "tests" / "datagen_core" / "dataset" / "hub_reader.py"


def run_datagen(folder: Path, *arguments: str, expect: int = 0, **variables: str) -> str:
    """Run a command in a folder with nothing of ours in the environment; return what it printed, both streams."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "HF_", "DATAGEN"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def test_six_steps_from_a_seed_to_the_hub(tmp_path: Path) -> None:
    run_datagen(tmp_path, "generate-batch", "--count", "40", "--seed", "42")
    first = (tmp_path / "output" / "batch_input.jsonl").read_bytes()
    run_datagen(tmp_path, "generate-batch", "--count", "40", "--seed", "42", PYTHONHASHSEED="7")
    assert (tmp_path / "output" / "batch_input.jsonl").read_bytes() == first

    said = run_datagen(tmp_path, "submit-batch")
    again = run_datagen(tmp_path, "submit-batch", "--wait", "--poll-interval", "0.1")
    batches = re.findall(r"batch_[0-9a-f]{32}", said)
    assert len(batches) == 1
    assert batches[0] in again
    status = json.loads((tmp_path / "output" / "batch_input_status.json").read_text(encoding="utf-8"))
    assert status["shards"][0]["status"]["status"] == "completed"

    run_datagen(tmp_path, "retrieve-batch")
    results = (tmp_path / "output" / "result_lst.json").read_bytes()
    assert len(json.loads(results)) == 40
    run_datagen(tmp_path, "retrieve-batch", "--batch-id", batches[0], "--output", "output/by_id.json")
    assert json.loads((tmp_path / "output" / "by_id.json").read_bytes()) == json.loads(results)

    run_datagen(tmp_path, "preprocess", "--input", "output")
    funnel = json.loads((tmp_path / "output" / "funnel.json").read_text(encoding="utf-8"))["total"]
    assert funnel["requested"] == 40 == funnel["accepted"] + funnel["rejected"] + funnel["failed"]
    rows = (tmp_path / "output" / "dataset.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == funnel["accepted"] >= 25
    assert f"{len(rows)} of {len(rows)} dialogues" in run_datagen(tmp_path, "validate", "output/dataset.jsonl")

    run_datagen(tmp_path, "render-txt", "--template", "qwen3")
    samples = sorted((tmp_path / "output" / "samples").iterdir())
    assert [sample.name for sample in samples[:2]] == ["sample_0001.txt", "sample_0002.txt"]
    assert len(samples) == len(rows)

    with HubServer({"hf_writer": ("someone", "write")}) as hub:
        said = run_datagen(
            tmp_path, "push-to-hub", "--repo-id", "someone/delivery", HF_TOKEN="hf_writer", HF_ENDPOINT=hub.url
        )
        assert f"{len(rows)} dialogues added" in said
        assert hub.repos["someone/delivery"].private
        loaded = subprocess.run(
            [sys.executable, str(READER), "someone/delivery", "train"],
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_writer", "HF_HOME": str(tmp_path / "hf"),
                 "HF_HUB_DISABLE_XET": "1"},
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
    published = json.loads(loaded.stdout)["rows"]
    for line, row in zip(rows, published, strict=True):
        record = json.loads(line)
        assert row["messages"] == record["messages"]
        assert json.loads(row["meta"]) == record["meta"]
        assert json.loads(row["tools"]) == record["tools"]
        assert (row["uid"], row["dates"], row["system_prompt"]) == (
            record["uid"], record["dates"], record["system_prompt"],
        )  # fmt: skip


def test_gold_steps_use_the_same_submit_and_retrieve(tmp_path: Path) -> None:
    run_datagen(tmp_path, "generate-gold-batch")
    lines = (tmp_path / "output" / "gold_batch_input.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 80
    run_datagen(
        tmp_path, "submit-batch", "--input", "output/gold_batch_input.jsonl",
        "--output", "output/gold_batch_input_status.json", "--wait", "--poll-interval", "0.1", "--mistakes", "0",
    )  # fmt: skip
    run_datagen(tmp_path, "retrieve-batch", "--status-file", "output/gold_batch_input_status.json")
    run_datagen(tmp_path, "preprocess")
    funnel = json.loads((tmp_path / "output" / "funnel.json").read_text(encoding="utf-8"))
    assert {name: counts["accepted"] for name, counts in funnel["categories"].items()} == dict.fromkeys(
        funnel["categories"], 10
    )
    assert len(funnel["categories"]) == 8


def test_transcripts_are_asked_for_judged_and_read_as_plain_texts(tmp_path: Path) -> None:
    run_datagen(tmp_path, "generate-batch", "--count", "25", "--writer", "transcript")
    run_datagen(tmp_path, "submit-batch", "--wait", "--poll-interval", "0.1", "--mistakes", "0")
    run_datagen(tmp_path, "retrieve-batch")
    run_datagen(tmp_path, "preprocess")
    output = tmp_path / "output"
    rows = [json.loads(line) for line in (output / "dataset.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 25
    assert {row["meta"]["writer"] for row in rows} == {"transcript"}

    texts = [answer["text"] for answer in json.loads((output / "result_lst.json").read_bytes())]
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "result_lst.json").write_text(json.dumps([*texts, "죄송합니다."], ensure_ascii=False), encoding="utf-8")
    said = run_datagen(tmp_path, "preprocess", "--input", "plain")
    assert "25 dialogues" in said
    assert "25 of 25" in run_datagen(tmp_path, "validate", "plain")


def test_validate_names_line_rule_and_turn_of_a_damaged_row(tmp_path: Path) -> None:
    run_datagen(tmp_path, "generate-batch", "--count", "20")
    run_datagen(tmp_path, "submit-batch", "--wait", "--poll-interval", "0.1", "--mistakes", "0")
    run_datagen(tmp_path, "retrieve-batch")
    run_datagen(tmp_path, "preprocess")
    dataset = tmp_path / "output" / "dataset.jsonl"
    rows = dataset.read_text(encoding="utf-8").splitlines()
    broken = next(i for i, row in enumerate(rows) if "subtotal" in row)
    rows[broken] = re.sub(r'(\\"subtotal\\": )(\d+)', lambda m: f"{m[1]}{int(m[2]) + 1}", rows[broken], count=1)
    dataset.write_text("\n".join(rows) + "\n", encoding="utf-8")
    said = run_datagen(tmp_path, "validate", "output/dataset.jsonl", expect=1)
    assert re.search(rf"{broken + 1}\s+K01", said)
    assert re.search(rf"{broken + 1}\s+X01", said)
    assert f"{len(rows) - 1} of {len(rows)}" in said
