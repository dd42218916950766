"""The parent's side of the process pool as it is, over processes that are simulated."""
