"""What a model file is, for people and for `aiw models describe`. Only this room imports onnx."""
