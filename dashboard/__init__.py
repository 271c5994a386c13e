"""What the operator sees: pages over the store, and commands to the executor."""
