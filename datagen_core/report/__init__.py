"""Decides what a run shows of itself to people: the contents of the artifacts in Prefect's UI, all of them small."""

from datagen_core.report.chats import render_chats
from datagen_core.report.costs import render_costs
from datagen_core.report.funnel import build_funnel_rows, render_funnel
from datagen_core.report.links import LinkedBatch, find_batch_page, find_dataset_page, render_links
from datagen_core.report.markdown import MAX_ARTIFACT_BYTES, Row
from datagen_core.report.progress import Progress, build_progress
from datagen_core.report.rejections import render_rejections

__all__ = [
    "MAX_ARTIFACT_BYTES",
    "LinkedBatch",
    "Progress",
    "Row",
    "build_funnel_rows",
    "build_progress",
    "find_batch_page",
    "find_dataset_page",
    "render_chats",
    "render_costs",
    "render_funnel",
    "render_links",
    "render_rejections",
]
