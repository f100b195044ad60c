//! A record read the short way and the general one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    decode::fuzzing::both_ways(bytes);
});
