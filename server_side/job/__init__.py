"""What a scheduler runs on the cluster beside the watch itself; standard library only."""
