"""What each broker is owed, in whole cents, by double entry."""
