//! The Chat REST API: tokens, rates, retries, history files.
