"""What is derived from a Graph: torch modules, ONNX models, files."""
