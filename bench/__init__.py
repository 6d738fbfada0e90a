"""The cost of the hot path beside a naive handler: `make bench`. docs/performance.md says how it is measured."""
