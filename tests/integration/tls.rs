//! Certificates that are made for one test, and what stands in front of a server on loopback: TLS, and a proxy.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub pem: String,
    own: (CertificateDer<'static>, Vec<u8>),
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        let own = (made.der().clone(), key.serialize_der());
        Self { issuer: Issuer::new(params, key), pem: made.pem(), own }
    }

    /// Its own certificate, as a server would show it by mistake.
    pub fn itself(&self) -> Identity {
        let (certificate, key) = self.own.clone();
        Identity { certificate, key }
    }

    /// A certificate for a name, valid before a year.
    pub fn signs(&self, name: &str, before: i32) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(before, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        Identity { certificate, key: key.serialize_der() }
    }
}

/// What a server shows of itself.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

/// Takes TLS connections, and passes each request on to a server that speaks plain HTTP and closes the connection after
/// its answer. Gives its port.
pub fn in_front_of(server: SocketAddr, identity: Identity) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(identity.key).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("they are known")
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate], key)
        .expect("they belong together");
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
        let mut tls = rustls::Stream::new(&mut connection, &mut stream);
        // A client that does not trust the certificate hangs up.
        let mut request = vec![0; 1 << 16];
        let Ok(mut length) = tls.read(&mut request) else { return };
        while !is_whole(&request[..length]) {
            match tls.read(&mut request[length..]) {
                Ok(more) if more > 0 => length += more,
                _ => return,
            }
        }
        let mut answer = Vec::new();
        let mut plain = TcpStream::connect(server).expect("it listens");
        let answered = plain.write_all(&request[..length]).and_then(|()| plain.read_to_end(&mut answer));
        let passed_on = answered.and_then(|_| {
            tls.write_all(&answer)?;
            tls.conn.send_close_notify();
            tls.flush()
        });
        drop(passed_on);
    })
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A proxy that connects everybody to one port, whatever host is asked for. Gives its own port, and what it was asked.
pub fn proxy_to(port: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let own = serve(move |stream| {
        let mut reader = BufReader::new(&stream);
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() {
            return;
        }
        seen.lock().expect("it is not poisoned").push(line.trim().to_owned());
        while reader.read_line(&mut line).is_ok_and(|_| !line.ends_with("\r\n\r\n")) {}
        (&stream).write_all(b"HTTP/1.1 200 Connected\r\n\r\n").expect("it is read");
        let server = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let (mut up, mut down) = (server.try_clone().expect("a handle"), stream.try_clone().expect("a handle"));
        let upward = thread::spawn(move || std::io::copy(&mut &stream, &mut up));
        let _ = std::io::copy(&mut &server, &mut down);
        let _ = down.shutdown(std::net::Shutdown::Both);
        drop(upward.join());
    });
    (own, asked)
}

/// Does something with each connection to a port.
pub fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let each = Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let each = Arc::clone(&each);
            thread::spawn(move || each(stream.expect("a connection")));
        }
    });
    port
}
