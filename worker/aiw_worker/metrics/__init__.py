"""What an operator sees from outside: Prometheus metrics, and whether the worker is alive and ready."""
