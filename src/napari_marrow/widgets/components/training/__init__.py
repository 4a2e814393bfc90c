"""What Train DCNN shows of trainings: how they go, and the list of them with their models."""
