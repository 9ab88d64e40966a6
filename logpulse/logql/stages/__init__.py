"""One file per pipeline stage, its exact form beside its SQL form."""
