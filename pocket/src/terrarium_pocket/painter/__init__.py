"""The kind ``onnx``: pictures and videos repainted in styles by small networks."""

AUTOMATIC = True
