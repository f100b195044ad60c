//! Plan, one hour whole, follow.
