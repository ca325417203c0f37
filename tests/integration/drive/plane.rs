//! A control plane of raw bytes on loopback, which can do what no well-meaning server does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// What a control plane does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An answer as it should be.
    Json(u16, Value),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// Bytes as they are, on a connection that then stays open for so long.
    Open(Vec<u8>, Duration),
    /// The connection is closed without a word.
    Close,
    /// The connection is reset in the middle of an answer.
    Reset,
    /// Nothing, for so long.
    Stall(Duration),
    /// An answer, a byte at a time.
    Trickle(Duration),
    /// An answer of 1 GiB.
    Huge,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

/// What is read of a body that holds what this reader cannot.
#[derive(serde::Deserialize, serde::Serialize)]
struct Scope {
    only_slugs: Option<Value>,
}

impl Request {
    /// The tenants that it names; none for a plan call.
    pub fn tenants(&self) -> Vec<String> {
        serde_json::from_value(self.body["only_slugs"].clone()).unwrap_or_default()
    }
}

/// The control plane. `reply` is asked for the reply to each request, by its index.
pub struct Plane {
    pub url: String,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    closed: Arc<AtomicBool>,
}

impl Plane {
    pub fn new(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (requests, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (reply, seen, ends) = (Arc::new(reply), Arc::clone(&requests), Arc::clone(&closed));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let (reply, seen) = (Arc::clone(&reply), Arc::clone(&seen));
                thread::spawn(move || {
                    let stream = stream.expect("a connection");
                    if let Some(request) = read_request(&stream) {
                        let index = {
                            let mut seen = seen.lock().expect("it is not poisoned");
                            seen.push(request.clone());
                            seen.len() - 1
                        };
                        answer(&stream, reply(index, &request));
                    }
                });
            }
        });
        Self { url: format!("http://{address}"), address, requests, closed }
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("it is not poisoned").clone()
    }

    /// The tenants of each request, in order.
    pub fn calls(&self) -> Vec<Vec<String>> {
        self.requests().iter().map(Request::tenants).collect()
    }

    /// Waits until a call that names this tenant is in flight.
    pub fn wait_for(&self, tenant: &str) {
        self.wait_until(|calls| calls.iter().any(|call| call.iter().any(|name| name == tenant)));
    }

    /// Waits until the calls so far are such.
    pub fn wait_until(&self, such: impl Fn(&[Vec<String>]) -> bool) {
        for _ in 0..2000 {
            if such(&self.calls()) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it never came to that: {:?}", self.calls());
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it has ended.
        drop(TcpStream::connect(self.address));
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let scope = || serde_json::to_value(serde_json::from_str::<Scope>(&text).ok()?).ok();
    let body = serde_json::from_str(&text).ok().or_else(scope).unwrap_or_default();
    Some(Request { head, body, text })
}

/// The bytes of an answer.
pub fn http(status: u16, body: &str) -> Vec<u8> {
    typed(status, "application/json", body)
}

/// The bytes of an answer of some type.
pub fn typed(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

fn answer(mut stream: &TcpStream, reply: Reply) {
    // The client may have hung up.
    let _ = match reply {
        Reply::Json(status, body) => stream.write_all(&http(status, &body.to_string())),
        Reply::Raw(bytes) => stream.write_all(&bytes),
        Reply::Open(bytes, time) => stream.write_all(&bytes).map(|()| thread::sleep(time)),
        Reply::Close => Ok(()),
        Reply::Reset => {
            // Closed without lingering, a connection is reset and not ended.
            let socket = socket2::SockRef::from(stream);
            socket.set_linger(Some(Duration::ZERO)).and_then(|()| stream.write_all(b"HTTP/1.1 200 OK\r\n"))
        }
        Reply::Stall(time) => {
            thread::sleep(time);
            Ok(())
        }
        Reply::Trickle(pause) => http(200, r#"{"ok": true, "results": []}"#).iter().try_for_each(|byte| {
            thread::sleep(pause);
            stream.write_all(&[*byte])
        }),
        Reply::Huge => {
            let start = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{\"ok\": true, \"x\": \"";
            let chunk = vec![b'x'; 1 << 20];
            stream.write_all(start).and_then(|()| (0..1024).try_for_each(|_| stream.write_all(&chunk)))
        }
    };
}

/// What a healthy control plane answers.
pub fn healthy(request: &Request, fleet: &[&str]) -> Reply {
    let tenants = request.tenants();
    let rows: Vec<Value> = if tenants.is_empty() {
        fleet.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect()
    } else {
        tenants.iter().map(|slug| json!({"slug": slug, "ssm_status": "Success", "verified_on_target": true})).collect()
    };
    Reply::Json(200, json!({"ok": true, "results": rows}))
}
