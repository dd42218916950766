"""The chain of checks: each module proves one link and reports it as rows."""
