//! Files of one folder over HTTP, for this machine alone.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Component, Path, PathBuf},
    thread,
    time::Duration,
};

/// A request has no more than this before its empty line.
const HEAD: u64 = 1 << 16;

/// Answers every visitor, each on a thread.
pub(super) fn forever(listener: &TcpListener, site: &Path) {
    for visitor in listener.incoming() {
        let (Ok(visitor), site) = (visitor, site.to_path_buf()) else { continue };
        // A visitor that goes away early has seen enough, and one without a thread asks again.
        let _ = thread::Builder::new().spawn(move || answer(visitor, &site));
    }
}

fn answer(mut visitor: TcpStream, site: &Path) -> std::io::Result<()> {
    visitor.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(visitor.try_clone()?.take(HEAD)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // To its end, or closing would cut the answer off.
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}

    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let found = file(site, target).and_then(|path| Some((content_type(&path), fs::read(path).ok()?)));
    let (status, content_type, body) = match (method, found) {
        ("GET" | "HEAD", Some((content_type, body))) => ("200 OK", content_type, body),
        ("GET" | "HEAD", None) => ("404 Not Found", "text/plain", b"There is no such file.\n".to_vec()),
        _ => ("405 Method Not Allowed", "text/plain", b"Only GET and HEAD.\n".to_vec()),
    };
    write!(
        visitor,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: \
         no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    if method != "HEAD" {
        visitor.write_all(&body)?;
    }
    visitor.flush()
}

/// The file that a target names, if it lies within the folder.
fn file(site: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let within = path.components().all(|part| matches!(part, Component::Normal(_)));
    within.then(|| site.join(path)).filter(|path| path.is_file())
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered to a request of one line.
    fn ask(request: &str) -> String {
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || forever(&listener, &site));
        let mut visitor = TcpStream::connect(address).unwrap();
        write!(visitor, "{request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        visitor.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn files_of_the_folder_are_served_and_no_others() {
        let found = ask("GET /web/serve.rs?x=1");
        assert!(found.starts_with("HTTP/1.1 200 OK") && found.contains("files_of_the_folder"), "{found}");
        for outside in ["/../Cargo.toml", "//etc/passwd", "/web/../../Cargo.toml", "/web", "/none", "x", ""] {
            assert!(ask(&format!("GET {outside}")).starts_with("HTTP/1.1 404"), "{outside}");
        }
    }

    #[test]
    fn the_head_comes_alone_and_nothing_is_taken() {
        let head = ask("HEAD /web.rs");
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(ask("POST /web.rs").starts_with("HTTP/1.1 405"));
    }
}
