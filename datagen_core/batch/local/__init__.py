"""Decides how a server of one's own (vLLM, llama.cpp, Ollama) is used as a Batch API: state in a folder, row by row."""

from datagen_core.batch.local.asking import ChatServer
from datagen_core.batch.local.batches import LocalBatches

__all__ = ["ChatServer", "LocalBatches"]
