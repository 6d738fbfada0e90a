"""What the hot path costs, beside a naive handler: `make bench`. docs/performance.md says how it is measured."""
