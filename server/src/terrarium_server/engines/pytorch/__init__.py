"""What the kinds on PyTorch share.

`engine` and `options` belong to the server; the other modules run in a model process. Nothing here imports
torch before the first job, so that the server and its tests do without it.
"""
