"""What a run says of itself: header, summary, messages."""
