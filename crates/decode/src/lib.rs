//! Bytes of an hour file to messages.
