"""Who waits for whom in this process, seen from outside: threads, tasks, and what each of them waits for."""
