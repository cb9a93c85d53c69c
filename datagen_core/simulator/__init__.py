"""Decides how a Batch API provider behaves, without one: an embedded server whose answers come from a writer."""

from datagen_core.simulator.answers import Answer, Writer
from datagen_core.simulator.fault_plan import FaultPlan
from datagen_core.simulator.faults import FAULTS, Fault, FaultName, parse_fault
from datagen_core.simulator.server import SimulatorServer
from datagen_core.simulator.settings import SimulatorSettings

__all__ = [
    "FAULTS",
    "Answer",
    "Fault",
    "FaultName",
    "FaultPlan",
    "SimulatorServer",
    "SimulatorSettings",
    "Writer",
    "parse_fault",
]
