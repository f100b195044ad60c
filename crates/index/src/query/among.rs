//! Automata that look among some of the terms only.
//!
//! The dictionary holds more than words: pairs of characters of scripts without spaces, pictures, the `@` of a mention. All
//! characters of a term are of one kind, or belong to the first, so that the first one decides.

use tantivy_fst::Automaton;

/// An automaton, and what a term may begin with for it.
pub(crate) struct Among<A> {
    automaton: A,
    /// `None` when it may be anything.
    may_begin: Option<fn(char) -> bool>,
}

/// Where the automaton is, and what is known of the first character.
#[derive(Debug, Clone)]
pub(crate) struct State<S> {
    inner: S,
    first: First,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// So many of its bytes are read: less than all.
    Begun([u8; 4], usize),
    Right,
    Wrong,
}

impl<A> Among<A> {
    pub(crate) fn new(automaton: A, may_begin: Option<fn(char) -> bool>) -> Self {
        Self { automaton, may_begin }
    }

    fn first(&self, first: First, byte: u8) -> First {
        let (First::Begun(mut bytes, length), Some(may_begin)) = (first, self.may_begin) else { return first };
        let Some(free) = bytes.get_mut(length) else { return First::Wrong };
        *free = byte;
        let read = bytes.get(..=length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        match read.and_then(|text| text.chars().next()) {
            Some(c) if may_begin(c) => First::Right,
            Some(_) => First::Wrong,
            None => First::Begun(bytes, length + 1),
        }
    }
}

impl<A: Automaton> Automaton for Among<A> {
    type State = State<A::State>;

    fn start(&self) -> Self::State {
        let first = if self.may_begin.is_some() { First::Begun([0; 4], 0) } else { First::Right };
        State { inner: self.automaton.start(), first }
    }

    fn is_match(&self, state: &Self::State) -> bool {
        state.first == First::Right && self.automaton.is_match(&state.inner)
    }

    fn can_match(&self, state: &Self::State) -> bool {
        state.first != First::Wrong && self.automaton.can_match(&state.inner)
    }

    fn will_always_match(&self, state: &Self::State) -> bool {
        state.first == First::Right && self.automaton.will_always_match(&state.inner)
    }

    fn accept(&self, state: &Self::State, byte: u8) -> Self::State {
        State { inner: self.automaton.accept(&state.inner, byte), first: self.first(state.first, byte) }
    }
}
