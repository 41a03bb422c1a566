"""The verbs that write: vouchers, gifts, what is kept for a guest, treatments."""
