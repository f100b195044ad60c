//! A quota for each method.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Allowance, Pace, Quota};
use crate::config::Config;

/// A quota for each method that the service counts apart (section 13.1).
pub(crate) struct Quotas {
    pub(crate) history: Quota,
    pub(crate) to_users: Quota,
    pub(crate) to_groups: Quota,
    pub(crate) to_rooms: Quota,
    pub(crate) broadcast: Quota,
    pub(crate) broadcasts_of_a_day: Allowance,
    pub(crate) upload: Quota,
    pub(crate) download: Quota,
    pub(crate) recall: Quota,
    pub(crate) delete_conversation: Quota,
    pub(crate) deletions_of_a_user: Allowance,
    pub(crate) import: Quota,
}

/// Broadcasts of a day.
pub(crate) const BROADCASTS: usize = 100;

/// Deletions of one user's conversations in a minute.
const DELETIONS: usize = 5;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Quotas {
    pub(crate) fn new(config: &Config) -> Self {
        let plan = config.calls_per_second;
        let quota = |pace, name| Quota::new(pace, beside(config, name), &config.clock);
        let allowance = |most, span, name| Allowance::new(most, span, beside(config, name), &config.clock);
        let calls = Pace::of_calls(plan);
        Self {
            history: Quota::new(Pace::of_history(config.rate), config.quota_file.clone(), &config.clock),
            to_users: quota(Pace::to_users(plan), "users"),
            to_groups: quota(Pace::to_groups(plan), "chatgroups"),
            to_rooms: quota(Pace::to_rooms(plan), "chatrooms"),
            broadcast: quota(Pace::of_broadcasts(), "broadcast"),
            broadcasts_of_a_day: allowance(BROADCASTS, DAY, "broadcasts"),
            upload: quota(calls, "upload"),
            download: quota(calls, "download"),
            recall: quota(calls, "recall"),
            delete_conversation: quota(calls, "user_channel"),
            deletions_of_a_user: allowance(DELETIONS, MINUTE, "deletions"),
            import: quota(calls, "import"),
        }
    }
}

/// The file of a method: that of the app with the method's name appended.
fn beside(config: &Config, name: &str) -> Option<PathBuf> {
    let mut path = config.quota_file.clone()?.into_os_string();
    path.push(OsStr::new("."));
    path.push(name);
    Some(path.into())
}
