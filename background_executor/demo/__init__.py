"""The main job on a simulated bench: what ``make demo`` and ``make demo-check`` run.

Everything is real but the laser: the bench is a process of its own that writes
raw files as the digitiser would, the executor is the one that sites use, and
only ``check`` ever looks at the simulation's truth.
"""
