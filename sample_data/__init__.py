"""Sample data: made-up decisions with planted faults, and the key that says where they are."""
