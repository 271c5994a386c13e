"""What becomes of a piece of work: submitted once, watched, followed by another."""
