"""Inside the comfyui engine: filling in a workflow, following a prompt, reading what became of it."""
