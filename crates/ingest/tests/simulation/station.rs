//! A service and an archive, on one clock.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{Client, Config, Rate, Retries, TokenSource};
use chat::{Message, Secret};
use emulator::{Clock, Emulator, Handle, History, Options};
use futures::TryStreamExt as _;
use ingest::{Habits, SecondRun, Settings, Workshop};
use store::{Access, Archive};
use tokio_util::sync::CancellationToken;

use crate::nights::{self, Service};

/// The service, its clock, and a place for the archive.
pub(crate) struct Station {
    pub(crate) clock: Clock,
    pub(crate) service: Handle,
    /// Waits for nothing.
    pub(crate) client: Client,
    /// The same, but calls where nobody answers.
    pub(crate) lost_client: Client,
    root: PathBuf,
    with_index: bool,
}

impl Station {
    pub(crate) async fn open(files: &Path, root: PathBuf, service: Service, clock: Clock, with_index: bool) -> Self {
        let options = Options {
            clock: clock.clone(),
            rate_per_minute: None,
            ready_after: service.ready_after,
            retention: service.retention,
            history: History::Folder(files.to_owned()),
            ..Options::default()
        };
        let service = Emulator::start(options).await.expect("loopback can be listened on");
        let (client, lost_client) = (client(&service, service.base_url()), client(&service, nowhere(&service)));
        Self { clock, service, client, lost_client, root, with_index }
    }

    /// The archive as a new process finds it.
    pub(crate) async fn workshop(&self) -> Workshop {
        let clock = self.clock.clone();
        let clock: ingest::Clock = Arc::new(move || clock.now());
        let archive = Archive::open(&self.root.join("archive"), Access::Create, Arc::clone(&clock)).await;
        let archive = archive.expect("the archive can be opened, whatever happened before");
        let index = || index::Catalogue::open(&self.root.join("index"), index::Settings::default());
        Workshop {
            archive,
            catalogue: self.with_index.then(|| index().expect("the index can be opened")),
            app: None,
            clock,
            settings: Settings {
                archive: archive::Settings::default(),
                decode: decode::Limits::default(),
                habits: Habits { retention: nights::RETENTION, ..Habits::default() },
                workers: const { NonZero::new(2).expect("two is not zero") },
                second_run: SecondRun::Leave,
                zone: Some(chat::Zone::UTC),
            },
            spare: archive::Spare::default(),
            stop: CancellationToken::new(),
            version: "simulated",
        }
    }
}

/// Where nobody listens.
fn nowhere(service: &Handle) -> String {
    service.base_url().replace(&service.address().to_string(), "127.0.0.1:1")
}

/// A client that waits for nothing.
fn client(service: &Handle, base_url: String) -> Client {
    let token = TokenSource::ClientCredentials {
        id: service.client_id().to_owned(),
        secret: Secret::new(service.client_secret()),
    };
    let clock = service.clock().clone();
    let nothing = Duration::ZERO;
    let retries =
        Retries { attempts: 3, connects: 2, first_pause: nothing, longest_pause: nothing, longest_wait: nothing };
    let rate = Rate::per_minute(NonZero::<u32>::MAX);
    let base_url = base_url.parse().expect("it is a URL");
    let config = Config { rate, retries, ..Config::new(base_url, token, Arc::new(move || clock.now())) };
    Client::new(config).expect("the settings are sound")
}

/// Every row of `messages`.
pub(crate) async fn rows(archive: &Archive) -> Vec<Message<'static>> {
    let snapshot = archive.snapshot().await.expect("the log can be read");
    let mut rows = Vec::new();
    for file in snapshot.files() {
        let batches = archive::read_all(snapshot.reader(file)).await.expect("the file can be read");
        rows.extend(batches.try_concat().await.expect("the file can be read"));
    }
    rows
}
