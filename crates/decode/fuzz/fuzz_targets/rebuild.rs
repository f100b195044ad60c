//! From a record to columns and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decode::fuzzing::rebuild(bytes));
