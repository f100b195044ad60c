//! The client against the emulator: tokens that are verified, signatures that are checked, faults in a row.

use std::time::Duration;

use api::{Advice, Availability, Client, Config, TokenSource};
use chat::{Secret, Zone};
use emulator::{Call, Clock, Emulator, Fault, Faults, Handle, History, Options, UrlForm};
use tempfile::TempDir;

use crate::server::{config, hour};

const LINE: &str = r#"{"msg_id":"1","timestamp":1773478800000,"chat_type":"chat","payload":{"bodies":[]}}"#;

struct Emulated {
    service: Handle,
    _folder: TempDir,
}

/// The hour of the tests and nothing else, a good day later.
async fn emulated(change: impl FnOnce(&mut Options)) -> Emulated {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("2026031409.ndjson"), LINE.repeat(1_000)).unwrap();
    let mut options = Options {
        clock: Clock::running_from("2026-03-15T12:00:00Z".parse().unwrap()),
        rate_per_minute: None,
        history: History::Folder(folder.path().to_owned()),
        ..Options::default()
    };
    change(&mut options);
    Emulated { service: Emulator::start(options).await.unwrap(), _folder: folder }
}

impl Emulated {
    fn config(&self, token: TokenSource) -> Config {
        let clock = self.service.clock().clone();
        let mut config = Config { token, ..config(&self.service.base_url()) };
        config.clock = std::sync::Arc::new(move || clock.now());
        config
    }

    fn credentials(&self) -> TokenSource {
        let id = self.service.client_id().to_owned();
        TokenSource::ClientCredentials { id, secret: Secret::new(self.service.client_secret()) }
    }

    fn certificate(&self, exchange: bool) -> TokenSource {
        let app_id = self.service.app_id().to_owned();
        TokenSource::AppCertificate { app_id, certificate: Secret::new(self.service.app_certificate()), exchange }
    }
}

/// The lengths of the parts of the hour, with a new link where one is needed.
async fn fetch(client: &Client) -> Vec<u64> {
    'link: loop {
        let Availability::Ready(links) = client.locate(hour()).await.unwrap() else { panic!() };
        let mut lengths = Vec::new();
        for link in &links {
            let mut bytes = Vec::new();
            match client.download(link, &mut bytes).await {
                Ok(downloaded) => {
                    assert_eq!(downloaded.bytes, u64::try_from(bytes.len()).unwrap());
                    assert!(bytes.starts_with(b"\x1f\x8b"));
                    lengths.push(downloaded.bytes);
                }
                Err(error) if error.advice() == Advice::AskForANewLink => continue 'link,
                Err(error) => panic!("{error:?}"),
            }
        }
        return lengths;
    }
}

#[tokio::test]
async fn every_kind_of_token_opens_every_form_of_url_in_every_zone() {
    for form in UrlForm::ALL {
        for zone in [Zone::UTC, Zone::BEIJING] {
            let emulated = emulated(|options| (options.form, options.zone) = (form, zone)).await;
            for token in [
                TokenSource::Static(Secret::new(emulated.service.token())),
                emulated.credentials(),
                emulated.certificate(false),
                emulated.certificate(true),
            ] {
                let mut config = emulated.config(token);
                config.zone = zone;
                assert_eq!(fetch(&Client::new(config).unwrap()).await.len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_or_token_is_refused() {
    let emulated = emulated(|_| {}).await;
    let wrong = || Secret::new("c2a86e4d1b7f4095ae3c60d8f21b97e5");
    for token in [
        TokenSource::Static(Secret::new(emulated.service.expired_token())),
        TokenSource::Static(Secret::new(emulated.service.foreign_token())),
        TokenSource::Static(wrong()),
        TokenSource::ClientCredentials { id: emulated.service.client_id().to_owned(), secret: wrong() },
        TokenSource::ClientCredentials { id: "nobody".to_owned(), secret: wrong() },
        TokenSource::AppCertificate {
            app_id: emulated.service.app_id().to_owned(),
            certificate: wrong(),
            exchange: false,
        },
        TokenSource::AppCertificate {
            app_id: emulated.service.app_id().to_owned(),
            certificate: wrong(),
            exchange: true,
        },
    ] {
        let client = Client::new(emulated.config(token)).unwrap();
        assert_eq!(client.locate(hour()).await.unwrap_err().advice(), Advice::Refused);
    }
}

#[tokio::test]
async fn another_app_is_not_found() {
    let emulated = emulated(|_| {}).await;
    let mut config = emulated.config(emulated.credentials());
    config.base_url = format!("http://{}/harbor-org/other", emulated.service.address()).parse().unwrap();
    let failure = Client::new(config).unwrap().locate(hour()).await.unwrap_err();
    assert!(matches!(failure, api::Error::NoSuchApp { status: 404, .. }), "{failure:?}");
}

#[tokio::test]
async fn an_hour_goes_through_its_states() {
    let emulated = emulated(|_| {}).await;
    let client = Client::new(emulated.config(emulated.credentials())).unwrap();
    let unavailable = Availability::Unavailable { status: 400 };
    for (now, hour, expected) in [
        ("2026-03-14T08:30:00Z", "2026031409", Some(&unavailable)),
        ("2026-03-14T09:30:00Z", "2026031409", Some(&unavailable)),
        ("2026-03-14T12:00:00Z", "2026031409", None),
        ("2026-03-15T12:00:00Z", "2026031410", Some(&Availability::Empty { status: 404 })),
        ("2026-03-18T12:00:00Z", "2026031409", Some(&unavailable)),
    ] {
        emulated.service.clock().set(now.parse().unwrap());
        let answer = client.locate(hour.parse().unwrap()).await.unwrap();
        match expected {
            Some(expected) => assert_eq!(&answer, expected, "{now} {hour}"),
            None => assert!(matches!(answer, Availability::Ready(_)), "{now} {hour} {answer:?}"),
        }
    }
}

#[tokio::test]
async fn one_fault_after_the_other_is_survived() {
    let emulated = emulated(|_| {}).await;
    let mut config = emulated.config(emulated.credentials());
    let patient = Client::new(config.clone()).unwrap();
    (config.timeouts.head, config.timeouts.idle) = (Duration::from_secs(1), Duration::from_secs(1));
    let impatient = Client::new(config).unwrap();
    let whole = fetch(&patient).await;
    // Damage within a whole answer is for who unpacks it.
    let faults = Fault::PASSING.into_iter().filter(|fault| !matches!(fault, Fault::TruncatedGzip | Fault::BadCrc));
    for fault in faults {
        emulated.service.set_faults(Faults::none().on(hour(), [fault]));
        let hangs = matches!(fault, Fault::Hang | Fault::FileHang | Fault::StalledBody);
        let before = emulated.service.calls();
        assert_eq!(fetch(if hangs { &impatient } else { &patient }).await, whole, "{fault}");
        let after = emulated.service.calls();
        let expected = match fault {
            Fault::ExpiredLink => (2, 2),
            _ if fault.call() == Call::Link => (2, 1),
            _ => (1, 2),
        };
        assert_eq!((after.links - before.links, after.files - before.files), expected, "{fault}");
    }
}

#[tokio::test]
async fn all_parts_are_fetched() {
    let emulated = emulated(|options| options.faults = Faults::none().on(hour(), [Fault::Parts(3)])).await;
    let client = Client::new(emulated.config(emulated.credentials())).unwrap();
    assert_eq!(fetch(&client).await.len(), 3);
}

#[tokio::test]
async fn a_link_is_good_until_it_says() {
    let emulated = emulated(|_| {}).await;
    let client = Client::new(emulated.config(emulated.credentials())).unwrap();
    let Availability::Ready(links) = client.locate(hour()).await.unwrap() else { panic!() };
    let life = links[0].expires_at() - emulated.service.clock().now();
    assert!((1_700..=1_800).contains(&life.num_seconds()), "{life}");
    emulated.service.clock().set(links[0].expires_at() + Duration::from_secs(1));
    let failure = client.download(&links[0], &mut Vec::new()).await.unwrap_err();
    assert_eq!((failure.advice(), failure.http_status()), (Advice::AskForANewLink, Some(403)));
}
