//! Files written by this crate, read by this crate and by a stranger's eye.

mod damage;
mod extract;
mod find;
mod identity;
mod merge;
mod messages;
mod portable;
mod promotion;
mod reader;
mod schema;
mod sort;
mod statistics;
