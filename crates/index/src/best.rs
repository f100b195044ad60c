//! The first rows in an order, of all that are offered.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tantivy::Score;

use crate::collect::Pass;
use crate::keys::Keys;
use crate::request::{Order, Place};
use crate::search::Hit;

/// A row and its place in the order; the greater one comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranked {
    rank: Rank,
    pub(crate) hit: Hit,
    /// Whether the message may stand in several hours.
    pub(crate) may_repeat: bool,
}

/// What the order compares before it looks at the key of the row: greater comes first. A BM25 score is not negative, so
/// that the order of its bits is its own.
type Rank = (u32, i64);

/// The `keep` best rows so far.
pub(crate) struct Best {
    keep: usize,
    order: Order,
    /// Only rows behind this place.
    after: Option<Ranked>,
    /// The worst on top.
    rows: BinaryHeap<Reverse<Ranked>>,
    /// When the newest message was sent, and the oldest, of those that are offered now. Messages without a time are last in
    /// every order.
    offered: Option<(i64, i64)>,
}

impl Best {
    pub(crate) fn new(pass: &Pass) -> Self {
        let after = pass.after.map(|place| Ranked::at(place, pass.order));
        Self { keep: pass.keep, order: pass.order, after, rows: BinaryHeap::new(), offered: None }
    }

    /// Rows of a segment will be offered.
    pub(crate) fn of_segment(self, keys: &Keys) -> Self {
        Self { offered: keys.times(), ..self }
    }

    /// Whether no row that may be offered now can be among the best, whatever its score.
    pub(crate) fn is_settled(&self) -> bool {
        let Some(worst) = self.worst() else { return self.keep == 0 };
        self.order != Order::Relevance && self.best_time().is_some_and(|time| time < worst.rank.1)
    }

    /// The score that a row must exceed. Of rows with the least score that is kept, the newer ones may come before others of
    /// it, if there can be any.
    pub(crate) fn threshold(&self) -> Score {
        let Some(worst) = self.worst() else { return Score::MIN };
        if self.order != Order::Relevance {
            return Score::MIN;
        }
        let score = Score::from_bits(worst.rank.0);
        if self.best_time().is_some_and(|time| time < worst.rank.1) { score } else { score.next_down() }
    }

    /// The least score of the rows, when there are as many as are kept and scores decide.
    pub(crate) fn least_score(&self) -> Option<Score> {
        let worst = self.worst().filter(|_| self.order == Order::Relevance);
        worst.map(|worst| Score::from_bits(worst.rank.0))
    }

    /// Whether a row with this score need be offered.
    pub(crate) fn may_take(&self, score: Score) -> bool {
        self.keep > 0 && score > self.threshold()
    }

    /// Offers a row, and whether its message may stand in several hours.
    pub(crate) fn take(&mut self, sent_at: Option<i64>, score: Score, row: impl FnOnce() -> (Hit, bool)) {
        let rank = self.order.rank(score, sent_at);
        if self.after.is_some_and(|after| rank > after.rank) || self.worst().is_some_and(|worst| rank < worst.rank) {
            return;
        }
        let (hit, may_repeat) = row();
        let ranked = Ranked { rank, hit, may_repeat };
        if self.after.is_some_and(|after| ranked >= after) {
            return;
        }
        self.rows.push(Reverse(ranked));
        if self.rows.len() > self.keep {
            self.rows.pop();
        }
    }

    /// The best of both.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        while self.rows.len() > self.keep {
            self.rows.pop();
        }
        self
    }

    pub(crate) fn into_sorted(self) -> Vec<Ranked> {
        self.rows.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked).collect()
    }

    /// The row that the next one takes the place of; `None` while there is room.
    fn worst(&self) -> Option<&Ranked> {
        self.rows.peek().filter(|_| self.rows.len() >= self.keep).map(|Reverse(worst)| worst)
    }

    /// What the order makes of the best time that may be offered now; `None` when it is not known.
    fn best_time(&self) -> Option<i64> {
        self.offered.map(|(newest, oldest)| self.order.best_time(newest, oldest))
    }
}

impl Order {
    /// What counts for the time of a row, at the most, among messages between two times.
    pub(crate) fn best_time(self, newest: i64, oldest: i64) -> i64 {
        if self == Self::Oldest { oldest.saturating_neg() } else { newest }
    }

    fn rank(self, score: Score, sent_at: Option<i64>) -> Rank {
        let newest = sent_at.unwrap_or(i64::MIN);
        match self {
            Self::Relevance => (score.max(0.0).to_bits(), newest),
            Self::Newest => (0, newest),
            Self::Oldest => (0, sent_at.map_or(i64::MIN, |time| time.saturating_neg())),
        }
    }
}

impl Ranked {
    /// Where a hit would stand that has this place.
    fn at(place: Place, order: Order) -> Self {
        let Place { score, sent_at, message, position } = place;
        let rank = order.rank(score, sent_at.map(|time| time.timestamp_micros()));
        let hit = Hit {
            source_hour: position.source_hour,
            sent_at,
            part: position.part,
            line: position.line,
            score,
            message,
        };
        Self { rank, hit, may_repeat: false }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        // A message that stays what it is keeps its place, though its hour is served anew with its lines in another order, or an
        // earlier one that has it, too, is archived.
        let key = |ranked: &Self| (ranked.hit.message, ranked.hit.source_hour, ranked.hit.part, ranked.hit.line);
        self.rank.cmp(&other.rank).then_with(|| key(other).cmp(&key(self)))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}
