"""The kind ``llama``: text by language models in GGUF files, with llama.cpp."""

AUTOMATIC = True
