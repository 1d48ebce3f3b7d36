"""The kind ``diffusers``: pictures and videos by diffusion models on this machine (extra ``local``)."""
