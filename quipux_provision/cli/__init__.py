"""The command line: parse, call a use case, print, map errors to exit codes."""
