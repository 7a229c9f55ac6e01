"""What people get: the activation mail."""
