"""The process pool: one module for each room of the seed's diagram."""
