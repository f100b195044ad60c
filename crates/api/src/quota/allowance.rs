//! So many calls within a long time: a hundred broadcasts a day, five deletions a minute of one user (section 13.1).
//!
//! To spread these evenly, as the calls of a second are, would have the second broadcast of a day wait for a quarter of an
//! hour. So the calls themselves are noted, for as long as they count:
//!
//! ```text
//! annals-calls 1
//! 1773480000000 mara_voss
//! │             └ whose call it was, where each has an allowance of his own
//! └ when, in milliseconds since 1970
//! ```
//!
//! A file that says anything else is not believed, and neither is a call that was made later than now. Then calls are missing:
//! the service counts them all the same, and answers 429.

use std::path::PathBuf;
use std::time::Duration;

use chat::Timestamp;

use super::file::{Noted, milliseconds};
use super::shared::Shared;
use super::{BELIEVABLE, LATE};
use crate::config::Clock;
use crate::error::Error;

/// Lets so many calls of each through in any stretch of time.
pub(crate) struct Allowance {
    most: usize,
    span: Duration,
    shared: Shared<Calls>,
}

impl Allowance {
    pub(crate) fn new(most: usize, span: Duration, file: Option<PathBuf>, clock: &Clock) -> Self {
        Self { most, span: span + LATE, shared: Shared::new(file, clock) }
    }

    /// Takes a call of somebody; gives the time from which on there is one again when all are used up.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaFile`] when the file cannot be used.
    pub(crate) async fn take(&self, whose: &str) -> Result<Result<(), Timestamp>, Error> {
        let (most, span, whose) = (self.most, self.span, whose.to_owned());
        self.shared.change(move |calls, now| calls.take(&whose, now, most, span)).await
    }

    /// Takes a call of somebody, and waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaFile`] when the file cannot be used.
    pub(crate) async fn wait(&self, whose: &str) -> Result<(), Error> {
        while let Err(time) = self.take(whose).await? {
            self.shared.sleep_until(time).await;
        }
        Ok(())
    }
}

/// Calls that count, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Calls(Vec<(Timestamp, String)>);

impl Calls {
    fn take(&mut self, whose: &str, now: Timestamp, most: usize, span: Duration) -> Result<(), Timestamp> {
        self.0.retain(|(time, _)| *time + span > now && *time <= now + BELIEVABLE);
        let own: Vec<Timestamp> = self.0.iter().filter(|(_, of)| of == whose).map(|(time, _)| *time).collect();
        match own.len().checked_sub(most).and_then(|first| own.get(first)) {
            Some(first) => Err(*first + span),
            None => {
                self.0.push((now, whose.to_owned()));
                Ok(())
            }
        }
    }
}

impl Noted for Calls {
    /// Six thousand deletions, which is as many as a minute has, of users with the longest names.
    const LONGEST: u64 = 512 << 10;

    fn parse(text: &str) -> Option<Self> {
        let lines = text.strip_prefix("annals-calls 1\n")?.lines();
        let call = |line: &str| {
            let (time, whose) = line.split_once(' ')?;
            Some((Timestamp::from_timestamp_millis(time.parse().ok()?)?, whose.to_owned()))
        };
        lines.map(call).collect::<Option<_>>().map(Self)
    }

    fn unbelieved(_now: Timestamp) -> Self {
        Self::default()
    }

    fn print(&self) -> String {
        let line = |(time, whose): &(Timestamp, String)| format!("{} {whose}\n", milliseconds(Some(*time)));
        std::iter::once("annals-calls 1\n".to_owned()).chain(self.0.iter().map(line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn clock() -> Clock {
        let (start, instant): (Timestamp, _) = ("2026-03-14T09:00:00Z".parse().unwrap(), Instant::now());
        Arc::new(move || start + instant.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_an_allowance_and_waits_for_it() {
        let allowance = Allowance::new(5, MINUTE, None, &clock());
        let mut times = Vec::new();
        for number in 0..13 {
            allowance.wait("mara").await.unwrap();
            times.push(Instant::now());
            if number == 4 {
                assert_eq!(allowance.take("teo").await.unwrap(), Ok(()), "another's is his own");
            }
        }
        for window in times.windows(6) {
            assert!(window[5] - window[0] > MINUTE, "{times:?}");
        }
        assert_eq!(times[4], times[0], "nobody waits for what he has");
        assert!(times[12] - times[0] < MINUTE * 2 + LATE * 3, "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn all_processes_share_it_and_a_restart_forgets_nothing() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
        let file = folder.path().join("quota.broadcasts");
        let one = || Allowance::new(2, MINUTE, Some(file.clone()), &clock);
        assert_eq!(one().take("").await.unwrap(), Ok(()));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(one().take("").await.unwrap(), Ok(()));
        assert_eq!(fs::read_to_string(&file).unwrap(), "annals-calls 1\n1773478800000 \n1773478810000 \n");
        let until = one().take("").await.unwrap().unwrap_err();
        assert_eq!(until, "2026-03-14T09:01:00Z".parse::<Timestamp>().unwrap() + LATE);
        tokio::time::advance((until - clock()).to_std().unwrap()).await;
        assert_eq!(one().take("").await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_file_cannot_say_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quota");
        for content in ["", "hello", "annals-calls 2\n", "annals-calls 1\nx y\n", "annals-calls 1\n9999999999999 \n"] {
            fs::write(&file, content).unwrap();
            let allowance = Allowance::new(1, MINUTE, Some(file.clone()), &clock());
            assert_eq!(allowance.take("").await.unwrap(), Ok(()), "{content}");
            assert!(allowance.take("").await.unwrap().is_err(), "{content}");
        }
    }
}
