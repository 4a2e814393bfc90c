"""Fourth floor: numbers and small images become a model, its scores and its predictions."""
