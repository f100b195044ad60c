//! From the address of a bucket to its objects.
//!
//! Who may use a bucket is found out in the way that each cloud's own programs do it, as far as the library goes it: by the
//! variables of the environment (`AWS_…`, `GOOGLE_…`, `AZURE_…`), by the token of a workload in Kubernetes, by that of a
//! container, and by what the machine is told of itself. Files of profiles, as `~/.aws/config`, are not read.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::SpawnedReqwestConnector;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::prefix::PrefixStore;
use object_store::{ClientConfigKey, ObjectStore, Result, RetryConfig};
use tokio::runtime::Handle;
use url::{Host, Url};

use crate::place::{Bucket, Scheme};

/// How long a request may take in all: a piece of a file at 140 kB a second.
const REQUEST: &str = "2 minutes";
/// How long a store that does not answer, or is overloaded, is asked again.
const RETRIES: Duration = Duration::from_secs(120);

/// A variable of the environment.
pub type Variable = (String, String);

/// The objects below the prefix of a bucket. Requests are made on the threads of `requests`.
pub(crate) fn connect(bucket: &Bucket, variables: &[Variable], requests: &Handle) -> Result<Arc<dyn ObjectStore>> {
    let connector = SpawnedReqwestConnector::new(requests.clone());
    let retries = RetryConfig { retry_timeout: RETRIES, ..RetryConfig::default() };
    let name = bucket.name();
    Ok(match bucket.scheme() {
        Scheme::S3 => {
            let mut builder =
                AmazonS3Builder::new().with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST);
            for (key, value) in meant("AWS_", variables) {
                builder = builder.with_config(key, value);
            }
            if is_of_this_machine(builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint))
                || is_of_this_machine(builder.get_config_value(&AmazonS3ConfigKey::Endpoint))
            {
                builder = builder.with_allow_http(true);
            }
            let builder = builder.with_bucket_name(name).with_http_connector(connector).with_retry(retries);
            below(bucket, builder.build()?)
        }
        Scheme::Gs => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_config(GoogleConfigKey::Client(ClientConfigKey::Timeout), REQUEST)
                // Else the library allows it.
                .with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "false");
            for (key, value) in meant("GOOGLE_", variables) {
                builder = builder.with_config(key, value);
            }
            if is_of_this_machine(google_endpoint(&builder)) {
                builder = builder.with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "true");
            }
            below(bucket, builder.with_bucket_name(name).with_http_connector(connector).with_retry(retries).build()?)
        }
        Scheme::Az => {
            let mut builder =
                MicrosoftAzureBuilder::new().with_config(AzureConfigKey::Client(ClientConfigKey::Timeout), REQUEST);
            for (key, value) in meant("AZURE_", variables) {
                if key == AzureConfigKey::SasKey {
                    return Err(signed_address());
                }
                builder = builder.with_config(key, value);
            }
            if is_of_this_machine(builder.get_config_value(&AzureConfigKey::Endpoint)) {
                builder = builder.with_allow_http(true);
            }
            let builder = builder.with_container_name(name).with_http_connector(connector).with_retry(retries);
            below(bucket, builder.build()?)
        }
    })
}

/// Where Google's store is, if not at its usual address: emulators are named in the file of a service account, too.
fn google_endpoint(builder: &GoogleCloudStorageBuilder) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Account {
        gcs_base_url: Option<String>,
    }
    let of_account = || {
        let path = builder.get_config_value(&GoogleConfigKey::ServiceAccount)?;
        // What is wrong with the file, the library says.
        serde_json::from_slice::<Account>(&std::fs::read(path).ok()?).ok()?.gcs_base_url
    };
    builder.get_config_value(&GoogleConfigKey::BaseUrl).or_else(of_account)
}

/// A signature within an address would be in every message that names the address.
fn signed_address() -> object_store::Error {
    let source =
        "a shared access signature is not taken: set an account key, or the credentials of an application".into();
    object_store::Error::Generic { store: "az", source }
}

fn below(bucket: &Bucket, objects: impl ObjectStore) -> Arc<dyn ObjectStore> {
    if bucket.prefix().as_ref().is_empty() {
        Arc::new(objects)
    } else {
        Arc::new(PrefixStore::new(objects, bucket.prefix().clone()))
    }
}

/// The variables of one cloud that its library knows; the others are other programs'.
fn meant<'a, K: FromStr>(prefix: &'a str, variables: &'a [Variable]) -> impl Iterator<Item = (K, &'a str)> {
    let ours = variables.iter().filter(move |(name, _)| name.starts_with(prefix));
    ours.filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value.as_str())))
}

/// Whether a store is on this machine, which is spoken to without encryption. Any other is only if `…_ALLOW_HTTP` says so.
fn is_of_this_machine(endpoint: Option<String>) -> bool {
    let Some(url) = endpoint.and_then(|endpoint| Url::parse(&endpoint).ok()) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;

    use super::*;
    use crate::place::Place;
    use crate::remote::Requests;

    #[test]
    fn only_this_machine_is_spoken_to_without_encryption() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:8333", true),
            ("http://localhost:9000", true),
            ("http://[::1]:9000", true),
            ("http://10.0.0.7:9000", false),
            ("http://localhost.example.com", false),
            ("127.0.0.1:9000", false),
        ] {
            assert_eq!(is_of_this_machine(Some(endpoint.to_owned())), expected, "{endpoint}");
        }
        assert!(!is_of_this_machine(None));
    }

    #[test]
    fn no_store_elsewhere_is_spoken_to_without_encryption() {
        let account = tempfile::NamedTempFile::new().unwrap();
        let json = r#"{"gcs_base_url": "http://store.invalid:4443", "disable_oauth": true, "client_email": "",
            "private_key": "", "private_key_id": ""}"#;
        std::fs::write(account.path(), json).unwrap();
        let account = account.path().to_str().unwrap();
        let keys = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK")];
        let azure = [("AZURE_STORAGE_ACCOUNT_NAME", "harbor"), ("AZURE_STORAGE_ACCOUNT_KEY", "d3Jvbmc=")];
        for (address, variables) in [
            ("s3://harbor/x", [keys[0], keys[1], ("AWS_ENDPOINT_URL", "http://store.invalid:9000")].as_slice()),
            ("gs://harbor/x", &[("GOOGLE_SERVICE_ACCOUNT", account)]),
            ("gs://harbor/x", &[("GOOGLE_SERVICE_ACCOUNT", account), ("GOOGLE_BASE_URL", "http://store.invalid")]),
            ("az://harbor/x", &[azure[0], azure[1], ("AZURE_ENDPOINT", "http://store.invalid:10000/harbor")]),
        ] {
            let Place::Bucket(bucket) = Place::parse(address.as_ref()).unwrap() else { panic!("{address}") };
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let requests = Requests::new().unwrap();
            let objects = connect(&bucket, &variables, requests.handle()).unwrap();
            let asked = requests.handle().block_on(objects.head(&"archive.json".into()));
            let said = format!("{:?}", asked.unwrap_err());
            assert!(said.contains("BadScheme"), "{address} {variables:?}: {said}");
        }
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        let variables =
            ["AWS_REGION", "AWS_PAGER", "GOOGLE_BUCKET", "aws_region"].map(|name| (name.to_owned(), "x".to_owned()));
        let keys: Vec<AmazonS3ConfigKey> = meant("AWS_", &variables).map(|(key, _)| key).collect();
        assert_eq!(keys, [AmazonS3ConfigKey::Region]);
    }
}
