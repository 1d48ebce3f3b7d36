"""The kind ``transformers``: text by language models on this machine (extra ``local``)."""
