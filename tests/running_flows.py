"""Runs both flows in this process from one piece of parameters, as tests have them."""

from __future__ import annotations

from flows.gold import gold as gold_flow
from flows.outcome import RunOutcome
from flows.parameters import GoldParameters, TrainingParameters
from flows.training import training as training_flow


def training(parameters: TrainingParameters) -> RunOutcome:
    return training_flow(**parameters.grouped())


def gold(parameters: GoldParameters) -> RunOutcome:
    return gold_flow(**parameters.grouped())
