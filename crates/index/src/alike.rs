//! Terms that look alike, as a query of the engine.

use std::sync::Arc;

use tantivy::query::{AutomatonWeight, EnableScoring, Query, Weight};
use tantivy::schema::Field;
use tantivy_fst::Automaton;

use crate::query::Pattern;

/// The terms of a field that have a pattern: the engine walks the dictionary with the automaton that a scan tries words with.
#[derive(Debug, Clone)]
pub(crate) struct Alike {
    pub(crate) pattern: Pattern,
    pub(crate) field: Field,
}

impl Query for Alike {
    fn weight(&self, _scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(match &self.pattern {
            Pattern::Fuzzy { automaton, .. } => weight(self.field, automaton),
            Pattern::Regex { automaton, .. } => weight(self.field, automaton),
        })
    }
}

fn weight<A>(field: Field, automaton: &Arc<A>) -> Box<dyn Weight>
where
    A: Automaton + Send + Sync + 'static,
    A::State: Clone,
{
    Box::new(AutomatonWeight::<A>::new(field, Arc::clone(automaton)))
}
