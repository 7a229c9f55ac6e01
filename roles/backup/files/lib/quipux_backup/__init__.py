"""Backup and restore of one Quipux installation: databases, files and configuration, encrypted by age."""
