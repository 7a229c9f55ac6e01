"""Backup and restore of one Quipux installation: both databases, the files and the configuration, encrypted by age."""
