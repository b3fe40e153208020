"""Models of known layers and random weights: how fast a model would be, before anybody has it.

Like `describe`, this room imports onnx; the serving worker never imports either.
"""
