"""What is kept: requests as strict YAML, settings, secrets by reference, signatures, the ledger."""
