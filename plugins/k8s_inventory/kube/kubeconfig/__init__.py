"""What a kubeconfig says, read as kubectl reads it."""
