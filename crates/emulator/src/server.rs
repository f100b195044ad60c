//! Starting the service, and the handle on the running one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::access_token;
use crate::clock::Clock;
use crate::connection;
use crate::error::Error;
use crate::faults::Faults;
use crate::log::Logged;
use crate::options::{Credentials, Options, UrlForm};
use crate::parts::Source;
use crate::routes;
use crate::state::{Calls, State};
use crate::talk::Talk;

/// The service, not yet running.
#[derive(Debug)]
pub struct Emulator;

impl Emulator {
    /// Starts a service on the current tokio runtime. It can be called as soon as this returns.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or a folder (of hour files, of state) cannot be read.
    pub async fn start(options: Options) -> Result<Handle, Error> {
        let address = options.listen;
        let talk = Arc::new(Mutex::new(talk(&options)?));
        let source = Source::open(&options.history, Arc::clone(&talk))?;
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        let bound = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
        let state = Arc::new(State::new(options, talk, source, origin(bound)));
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(connection::serve(listener, routes::router(Arc::clone(&state)), stopped));
        Ok(Handle { state, address: bound, stop, running })
    }
}

fn talk(options: &Options) -> Result<Talk, Error> {
    let Some(folder) = &options.state else { return Ok(Talk::default()) };
    let opened = std::fs::create_dir_all(folder).and_then(|()| Talk::open(folder, &options.app.to_string()));
    opened.map_err(|source| Error::State { path: folder.clone(), source })
}

/// `http://127.0.0.1:port`, also when listening on every address.
fn origin(bound: SocketAddr) -> String {
    let ip = if bound.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { bound.ip() };
    format!("http://{}", SocketAddr::new(ip, bound.port()))
}

/// The running service. Dropping the handle stops it.
pub struct Handle {
    state: Arc<State>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Handle {
    /// Everything before `/chatmessages`, in the form that the options chose.
    #[must_use]
    pub fn base_url(&self) -> String {
        match self.state.options().form {
            UrlForm::AppId => self.app_id_url(),
            UrlForm::OrgApp => self.org_app_url(),
        }
    }

    /// Everything before `/chatmessages`, as `http://127.0.0.1:port/app-id/{app_id}`.
    #[must_use]
    pub fn app_id_url(&self) -> String {
        self.state.base_url(UrlForm::AppId)
    }

    /// Everything before `/chatmessages`, as `http://127.0.0.1:port/{org}/{app}`.
    #[must_use]
    pub fn org_app_url(&self) -> String {
        self.state.base_url(UrlForm::OrgApp)
    }

    /// Where the service listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A bearer token that never expires. It is the same for the same credentials and app.
    #[must_use]
    pub fn token(&self) -> String {
        self.state.issuer().token(self.clock().now(), None)
    }

    /// A bearer token that has just expired.
    #[must_use]
    pub fn expired_token(&self) -> String {
        let now = self.clock().now();
        self.state.issuer().token(now - Duration::from_secs(60), Some(now))
    }

    /// A bearer token of another app: well formed, and refused.
    #[must_use]
    pub fn foreign_token(&self) -> String {
        self.state.foreign_issuer().token(self.clock().now(), None)
    }

    /// An Agora AccessToken2 with the app privilege, valid from now for this long; the service takes no more than 24 hours.
    #[must_use]
    pub fn access_token(&self, life: Duration) -> String {
        access_token::build(self.credentials(), self.clock().now(), life)
    }

    /// Client id and secret, App ID and App Certificate.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.state.options().credentials
    }

    /// The client id of the client credentials.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.credentials().client_id
    }

    /// The client secret.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        self.credentials().client_secret.reveal()
    }

    /// The Agora App ID.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.credentials().app_id
    }

    /// The Agora App Certificate.
    #[must_use]
    pub fn app_certificate(&self) -> &str {
        self.credentials().app_certificate.reveal()
    }

    /// The service's clock, to be set by whoever tests.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.state.options().clock
    }

    /// Requests so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.state.calls()
    }

    /// Every request that named an hour, in the order in which they ended. Of very many the oldest are forgotten.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        self.state.log().all()
    }

    /// The same since this was last called; they are forgotten.
    #[must_use]
    pub fn take_log(&self) -> Vec<Logged> {
        self.state.log().take()
    }

    /// Replaces the plan of what goes wrong; nothing of the new one is used up.
    pub fn set_faults(&self, faults: Faults) {
        self.state.set_faults(faults);
    }

    /// Ends every connection and stops listening.
    pub async fn stop(self) {
        // Both fail only when the service has ended already, which is what is asked for.
        let _ended_already = self.stop.send(());
        let _panicked = self.running.await;
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.address).finish_non_exhaustive()
    }
}
