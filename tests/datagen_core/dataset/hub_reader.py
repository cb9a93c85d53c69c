"""Loads a dataset with the public library and prints its rows; run as a process of its own, with a home of its own."""

from __future__ import annotations

import json
import sys

from datasets import load_dataset

if __name__ == "__main__":
    repo_id, split = sys.argv[1:]
    rows = load_dataset(repo_id, split=split)
    sys.stdout.write(json.dumps({"columns": rows.column_names, "rows": list(rows)}))
