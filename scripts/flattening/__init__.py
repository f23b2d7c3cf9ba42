"""What flatten needs besides the broker's buttons: rows read one by one, and the lock of the account."""
