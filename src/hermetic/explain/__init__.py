"""Why a test failed, where its message points elsewhere: pure functions of the failure and of the events before it."""
