"""Names of the files in a bundle."""

BUNDLE_JSON = "bundle.json"
ONNX, HELDOUT = "model.onnx", "heldout.csv"
"""Of every model: the model itself, and its answers for the held-out units."""
WEIGHTS, HISTORY = "weights.safetensors", "history.csv"
"""Of networks: their weights, and the losses by epoch."""
FEATURES = "features.csv"
"""Of models of measured features: the score and importance of each."""
