"""What the client commands share: requests, rendering, following, generating."""
