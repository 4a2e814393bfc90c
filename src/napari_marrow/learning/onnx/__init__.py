"""ONNX models: export and inference."""
