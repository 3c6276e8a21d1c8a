"""What monitors read: figures of how the portal works, and in the log the line of each request."""
