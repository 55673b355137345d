"""One invented population of devices, living over time; every emulated API shows the same one."""

from connector.sandbox.population.people import Device, Install, Source
from connector.sandbox.population.population import AppPopulation
from connector.sandbox.population.records import Kind, Record, Session

__all__ = ["AppPopulation", "Device", "Install", "Kind", "Record", "Session", "Source"]
