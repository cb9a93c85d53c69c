"""Decides what becomes of accepted dialogues: the samples to read, the card, and the dataset on the Hub."""

from datagen_core.dataset.card import CardFacts, render_card
from datagen_core.dataset.hub import PushReport, push_dataset
from datagen_core.dataset.samples import render_samples

__all__ = ["CardFacts", "PushReport", "push_dataset", "render_card", "render_samples"]
