"""What mypy and pyright infer of code as users write it; nothing here is run.

A line that must not pass says ``type: ignore`` with what it is refused for: both checkers
report a comment that is not needed.
"""
