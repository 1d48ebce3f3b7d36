"""Workflows of a ComfyUI server."""
