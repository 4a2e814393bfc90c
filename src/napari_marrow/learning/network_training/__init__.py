"""Training networks with Keras."""
