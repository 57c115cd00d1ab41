"""Long runs by command, which the suite has a short version of."""
