//! What stands between the program and the store of a bucket: it sees every request, and holds one on demand.
//!
//! Requests that only read leave the bucket as it was, so that the changes are all the moments at which a program that is
//! killed can leave it otherwise than before.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What stands between the program and the store.
pub(crate) struct Gate {
    /// The address at which the program takes it for the store.
    pub(crate) endpoint: String,
    state: Arc<State>,
}

struct State {
    /// Changes that still pass.
    left: AtomicI64,
    /// Whether one was held.
    is_closed: AtomicBool,
    /// Requests with this in their first line are refused.
    refused: Option<&'static str>,
    /// A change with all of these in its first line waits until it is let through.
    awaited: Option<[&'static str; 2]>,
    is_let_through: (Mutex<bool>, Condvar),
    /// The first line of each request that passed, without its protocol, and the range that it asks for.
    passed: Mutex<Vec<String>>,
}

impl Gate {
    /// A gate that holds nothing.
    pub(crate) fn open(store: &str) -> Self {
        Self::before(store, i64::MAX)
    }

    /// A gate that answers that requests with this in their first line are not allowed.
    pub(crate) fn refusing(store: &str, refused: &'static str) -> Self {
        Self::start(store, i64::MAX, Some(refused), None)
    }

    /// A gate at which a change with all of these in its first line waits for [`Gate::let_through`].
    pub(crate) fn pausing(store: &str, awaited: [&'static str; 2]) -> Self {
        Self::start(store, i64::MAX, None, Some(awaited))
    }

    /// A gate that lets so many changes through, and holds the next.
    pub(crate) fn before(store: &str, changes: i64) -> Self {
        Self::start(store, changes, None, None)
    }

    fn start(store: &str, changes: i64, refused: Option<&'static str>, awaited: Option<[&'static str; 2]>) -> Self {
        let store = store.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            left: AtomicI64::new(changes),
            is_closed: AtomicBool::new(false),
            refused,
            awaited,
            is_let_through: (Mutex::new(false), Condvar::new()),
            passed: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (state, upstream) = (Arc::clone(&shared), TcpStream::connect(&store).unwrap());
                std::thread::spawn(move || state.relay(&client, &upstream));
            }
        });
        Self { endpoint, state }
    }

    /// Whether a change was held.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.is_closed.load(Ordering::SeqCst)
    }

    /// The requests that passed, each as `GET /bucket/object?query bytes=0-7`, in the order in which they came.
    pub(crate) fn passed(&self) -> Vec<String> {
        self.state.passed.lock().unwrap().clone()
    }

    /// Waits until a program is held.
    pub(crate) fn wait_for(&self, running: &mut Child) {
        while !self.is_closed() {
            assert!(running.try_wait().unwrap().is_none(), "it ended without that request: {:#?}", self.passed());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Lets through what waits.
    pub(crate) fn let_through(&self) {
        let (is_let_through, changed) = &self.state.is_let_through;
        *is_let_through.lock().unwrap() = true;
        changed.notify_all();
    }

    /// Runs a command that asks the store through this gate, and kills it when a change is held; says whether one was.
    pub(crate) fn kill(&self, command: &mut Command) -> bool {
        command.env("AWS_ENDPOINT_URL", &self.endpoint).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().unwrap();
        while !self.is_closed() && running.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        running.kill().ok();
        let status = running.wait().unwrap();
        assert!(self.is_closed() || status.success(), "{command:?}: {status}");
        self.is_closed()
    }
}

impl State {
    /// Hands requests and answers on until one of the two sides ends, or the gate closes.
    fn relay(&self, client: &TcpStream, upstream: &TcpStream) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut from, mut to) = (upstream, client);
                io::copy(&mut from, &mut to).ok();
                client.shutdown(Shutdown::Both).ok();
            });
            self.hand_on(&mut BufReader::new(client), upstream).ok();
            upstream.shutdown(Shutdown::Both).ok();
        });
    }

    fn hand_on(&self, client: &mut BufReader<&TcpStream>, mut upstream: &TcpStream) -> io::Result<()> {
        while let Some((head, length)) = read_head(client)? {
            let mut body = vec![0; length];
            client.read_exact(&mut body)?;
            let is_read = ["GET ", "HEAD "].iter().any(|method| head.starts_with(method));
            if !is_read && !self.passes() {
                // Held until the program is dead.
                io::copy(client, &mut io::sink())?;
                break;
            }
            let line = head.split(" HTTP/").next().unwrap();
            if self.refused.is_some_and(|refused| line.contains(refused)) {
                let mut client = *client.get_ref();
                client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")?;
                continue;
            }
            if !is_read && self.awaited.is_some_and(|awaited| awaited.iter().all(|words| line.contains(words))) {
                self.wait();
            }
            let fields = head.lines().filter_map(|field| field.split_once(": "));
            let range = fields.filter(|(name, _)| name.eq_ignore_ascii_case("range")).map(|(_, range)| range).next();
            self.passed.lock().unwrap().push([line, range.unwrap_or_default()].join(" ").trim_end().to_owned());
            upstream.write_all(head.as_bytes())?;
            upstream.write_all(&body)?;
        }
        Ok(())
    }

    fn wait(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let (is_let_through, changed) = &self.is_let_through;
        drop(changed.wait_while(is_let_through.lock().unwrap(), |is_let_through| !*is_let_through).unwrap());
    }

    fn passes(&self) -> bool {
        let passes = self.left.fetch_sub(1, Ordering::SeqCst) > 0;
        self.is_closed.fetch_or(!passes, Ordering::SeqCst);
        passes
    }
}

/// The head of a request, and how many bytes follow it; `None` at the end.
pub(crate) fn read_head(client: &mut BufReader<&TcpStream>) -> io::Result<Option<(String, usize)>> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if client.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        head.push_str(&line);
        let field = line.trim().to_ascii_lowercase();
        assert!(!field.starts_with("transfer-encoding:"), "bodies come with their length: {head}");
        if let Some(number) = field.strip_prefix("content-length:") {
            length = number.trim().parse().unwrap();
        }
        if field.is_empty() {
            return Ok(Some((head, length)));
        }
    }
}
