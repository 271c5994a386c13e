"""From measured quality to a verdict: checks, limits, references, the HV curve."""
