"""The use cases, each a short story over the rooms below."""
