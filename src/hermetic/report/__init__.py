"""What a run says of itself: lines and sections, made by pure functions of what was told in its events."""
