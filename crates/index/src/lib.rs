//! Messages to and from full text.
