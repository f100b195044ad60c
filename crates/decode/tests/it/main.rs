//! What the decoder promises, through its public face.

mod chunks;
mod damage;
#[path = "../../src/fuzzing/exact.rs"]
mod exact;
mod framing;
mod harness;
mod hostile;
mod meaning;
mod round_trip;
mod samples;
mod spelling;
mod variants;
