//! One file over HTTP, resumable.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use ureq::{Agent, http::Response};

use super::{Progress, Report};

/// How to reach a server. The times are short: where there is no network, the
/// next source is to be tried soon.
pub(crate) struct Http {
    agent: Agent,
}

/// What became of one request.
enum Outcome {
    Whole,
    /// The connection ended early; this number of bytes is on the disk.
    Cut(u64, String),
    /// What is on the disk cannot be continued.
    Stale,
}

impl Http {
    /// Through the proxy that the environment names, if it does.
    pub(crate) fn new() -> Self {
        Self::with(Agent::config_builder())
    }

    /// Past any proxy.
    #[cfg(test)]
    pub(crate) fn direct() -> Self {
        Self::with(Agent::config_builder().proxy(None))
    }

    fn with(config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>) -> Self {
        let seconds = |n| Some(Duration::from_secs(n));
        let config = config
            .http_status_as_error(false)
            .accept_encoding("identity")
            .timeout_resolve(seconds(5))
            .timeout_connect(seconds(5))
            .timeout_recv_response(seconds(20))
            .timeout_per_read(seconds(30));
        Self { agent: config.build().into() }
    }

    /// Fetches an address into a file. The bytes go to `FILE.part`; what is there
    /// from an earlier attempt is kept and the rest is asked for, unless the server
    /// sends all of it again; the whole is renamed. A connection that ends early is taken up again as long as each
    /// attempt brings something.
    pub(crate) fn fetch(
        &self,
        url: &str,
        target: &Path,
        label: &str,
        report: &mut Report<'_>,
    ) -> Result<(), String> {
        if target.exists() {
            return Ok(());
        }
        let part = target.with_added_extension("part");
        let mut fresh = false;
        let mut most = size(&part);
        loop {
            match self.request(url, &part, label, report)? {
                Outcome::Whole => return fs::rename(&part, target).map_err(|error| error.to_string()),
                Outcome::Cut(done, problem) if done <= most => return Err(problem),
                Outcome::Cut(done, _) => most = done,
                Outcome::Stale if fresh => return Err("the server refuses to send the file".into()),
                Outcome::Stale => {
                    (fresh, most) = (true, 0);
                    claim(&part)?.set_len(0).map_err(|error| error.to_string())?;
                }
            }
        }
    }

    fn request(
        &self,
        url: &str,
        part: &Path,
        label: &str,
        report: &mut Report<'_>,
    ) -> Result<Outcome, String> {
        let there = size(part);
        let mut request = self.agent.get(url);
        if there > 0 {
            request = request.header("Range", format!("bytes={there}-"));
        }
        let response = request.call().map_err(|error| error.to_string().replace('\n', " "))?;
        let (start, total) = match response.status().as_u16() {
            200 => (0, header(&response, "content-length").and_then(|length| length.parse().ok())),
            206 => match content_range(&response) {
                Some((from, total)) if from == there => (from, total),
                _ => return Ok(Outcome::Stale),
            },
            416 if there > 0 => return Ok(Outcome::Stale),
            status => return Err(format!("HTTP status {status}")),
        };
        let mut file = claim(part)?;
        let now = file.metadata().map_err(|error| error.to_string())?.len();
        if now != there {
            return Ok(Outcome::Cut(now, "another process was getting it".into()));
        }
        file.set_len(start).map_err(|error| error.to_string())?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut done = start;
        loop {
            report(Progress { label, done, total });
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return Ok(Outcome::Cut(done, error.to_string())),
            };
            file.write_all(&buffer[..count]).map_err(|error| error.to_string())?;
            done += count as u64;
        }
        file.sync_all().map_err(|error| error.to_string())?;
        match total {
            Some(total) if done != total => Ok(Outcome::Cut(done, format!("{done} of {total} bytes came"))),
            _ => Ok(Outcome::Whole),
        }
    }
}

/// The file in which a download grows, for this process alone.
fn claim(part: &Path) -> Result<File, String> {
    if let Some(folder) = part.parent() {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    let file = File::options().create(true).append(true).open(part).map_err(|error| error.to_string())?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err("another process is getting it".into()),
        // Where there are no locks, nobody else is noticed.
        _ => Ok(file),
    }
}

fn size(part: &Path) -> u64 {
    fs::metadata(part).map_or(0, |metadata| metadata.len())
}

fn header<'a>(response: &'a Response<ureq::Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// `bytes FROM-TO/TOTAL`, with `*` for a total that the server does not know.
fn content_range(response: &Response<ureq::Body>) -> Option<(u64, Option<u64>)> {
    let (range, total) = header(response, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        sync::{Arc, Mutex},
    };

    /// A server of one file. It answers range requests (unless `whole`), and cuts
    /// the connection after at most `most` bytes of the body. Each connection is for one request, which it says:
    /// else a client may send the next one there before it sees the end. Returns its address
    /// and the list in which it notes where each request began.
    pub(crate) fn serve(file: Vec<u8>, most: usize, whole: bool) -> (String, Arc<Mutex<Vec<usize>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let range = head.iter().find_map(|line| {
                    line.to_lowercase().strip_prefix("range: bytes=")?.trim_end_matches('-').parse().ok()
                });
                let start: usize = range.filter(|_| !whole).unwrap_or(0);
                noted.lock().unwrap().push(start);
                let size = file.len();
                let head = match (start, size) {
                    (0, _) => format!("200 OK\r\nContent-Length: {size}"),
                    (start, size) if start >= size => "416 Range Not Satisfiable\r\nContent-Length: 0".into(),
                    _ => format!(
                        "206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{size}",
                        size - start,
                        size - 1
                    ),
                };
                let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
                let body = &file[start.min(size)..size.min(start.saturating_add(most))];
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        });
        (address, requests)
    }

    fn file() -> Vec<u8> {
        (0..1000).map(|x| (x % 251) as u8).collect()
    }

    #[test]
    fn a_download_that_is_cut_again_and_again_goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/file.gz");
        let (address, requests) = serve(file(), 300, false);
        let mut last = None;
        Http::direct()
            .fetch(&address, &target, "file", &mut |now| last = Some((now.done, now.total)))
            .unwrap();
        assert_eq!(fs::read(&target).unwrap(), file());
        assert_eq!(*requests.lock().unwrap(), [0, 300, 600, 900]);
        assert_eq!(last, Some((1000, Some(1000))));
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_part_of_an_earlier_process_is_continued_or_where_that_fails_replaced() {
        let check = |part: &[u8], whole: bool, expected: &[usize]| {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("file");
            fs::write(folder.path().join("file.part"), part).unwrap();
            let (address, requests) = serve(file(), usize::MAX, whole);
            Http::direct().fetch(&address, &target, "file", &mut |_| {}).unwrap();
            assert_eq!(fs::read(&target).unwrap(), file());
            assert_eq!(*requests.lock().unwrap(), expected);
        };
        check(&file()[..400], false, &[400]);
        check(&file()[..400], true, &[0]);
        // A part longer than the file: the server refuses, and all is asked for.
        check(&[0; 2000], false, &[2000, 0]);
    }

    #[test]
    fn what_another_process_is_getting_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (target, part) = (folder.path().join("file"), folder.path().join("file.part"));
        fs::write(&part, &file()[..400]).unwrap();
        let theirs = File::open(&part).unwrap();
        theirs.lock().unwrap();
        let (address, _) = serve(file(), usize::MAX, false);
        let fetch = || Http::direct().fetch(&address, &target, "file", &mut |_| {});
        assert_eq!(fetch().unwrap_err(), "another process is getting it");
        assert_eq!((fs::read(&part).unwrap(), target.exists()), (file()[..400].to_vec(), false));
        drop(theirs);
        fetch().unwrap();
        assert_eq!(fs::read(&target).unwrap(), file());
    }

    #[test]
    fn no_server_or_one_that_never_finishes_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let fetch = |url: &str| Http::direct().fetch(url, &target, "file", &mut |_| {}).unwrap_err();
        let error = fetch("http://127.0.0.1:1/");
        assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        // A server that never sends more than a beginning, with and without
        // answering range requests.
        for (most, whole, requests) in [(0, false, 1), (300, true, 2)] {
            let (address, noted) = serve(file(), most, whole);
            fetch(&address);
            assert_eq!((target.exists(), noted.lock().unwrap().len()), (false, requests));
        }
    }
}
