//! The stages of a message's way, one module each, and the whole hour.

mod archive;
mod decode;
mod index;
mod input;
mod pipeline;

fn main() {
    divan::main();
}
