"""Real servers for tests: PostgreSQL, an S3 server, MLflow's own. Each a process in a temporary folder, on a free port
of 127.0.0.1, ended with the block that started it. A test is skipped, with the reason, where the machine lacks one."""
