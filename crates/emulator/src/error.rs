//! Why the service could not be started.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the service could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not one of this machine's.
    #[error("could not listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of hour files cannot be read.
    #[error("could not read the folder of hour files {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of state cannot be used.
    #[error("could not use the folder of state {}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
}
