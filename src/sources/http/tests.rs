//! The client against a server that does everything wrong.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::config::secret::Secret;
use crate::config::settings::{Auth, ClientCertificate};
use crate::sources::loopback::{Reply, Request, Server, endpoint};

const BOMB: &[u8] = include_bytes!("../../../tests/fixtures/http/four-mebibytes.json.gz");

/// Asks once and reads to the end.
async fn ask(endpoint: &Endpoint) -> Result<String, HttpError> {
    let client = HttpClient::new(endpoint)?;
    let body = client.get("/api/v2/alerts", &[("active", "true")]).await?;
    Ok(body.whole().await?)
}

async fn failure(endpoint: &Endpoint) -> SourceError {
    ask(endpoint).await.unwrap_err().error
}

async fn failure_of(reply: Reply) -> SourceError {
    let server = Server::answering(move |_| reply.clone());
    failure(&endpoint(&server.url)).await
}

#[tokio::test]
async fn refusals_are_told_in_the_server_s_words() {
    use ErrorKind::{Busy, Refused, Unauthorized};
    let page = "\n<!DOCTYPE html><html><head><title>502 &\nBad</title></head></html>";
    let long = "x".repeat(300);
    let cases = [
        (
            "400 Bad Request",
            "\"bad matcher format: {a\"\n",
            Refused,
            ": bad matcher format: {a",
        ),
        (
            "405 Method Not Allowed",
            r#"{"code":405,"message":"method PUT is not allowed"}"#,
            Refused,
            ": method PUT is not allowed",
        ),
        (
            "422 Unprocessable Entity",
            r#"{"status":"error","errorType":"execution","error":"many-to-many"}"#,
            Refused,
            ": execution: many-to-many",
        ),
        (
            "410 Gone",
            r#"{"status":"deprecated"}"#,
            Refused,
            ": deprecated",
        ),
        ("404 Not Found", "", Refused, "/api/v2/alerts"),
        ("500 Internal Server Error", "[1,2]", Refused, ": [1,2]"),
        (
            "500 Internal Server Error",
            "\n\n  first\r\nsecond",
            Refused,
            ": first",
        ),
        (
            "500 Internal Server Error",
            "\x1b[2Jred",
            Refused,
            ": \\u{1b}[2Jred",
        ),
        (
            "401 Unauthorized",
            "Unauthorized\n",
            Unauthorized,
            ": Unauthorized",
        ),
        (
            "403 Forbidden",
            r#"{"message":"no tenant"}"#,
            Unauthorized,
            ": no tenant",
        ),
        (
            "503 Service Unavailable",
            "Limit of concurrent GET requests\n",
            Busy,
            "GET requests",
        ),
        ("429 Too Many Requests", "", Busy, "/api/v2/alerts"),
        ("502 Bad Gateway", page, Refused, ": a web page (\"502 &\")"),
    ];
    for (status, body, kind, end) in cases {
        let error = failure_of(Reply::status(status, "", body)).await;
        assert_eq!(error.kind, kind, "{status}");
        let detail = error.detail.shown();
        let start = format!("{status} at /api/v2/alerts");
        assert!(
            detail.starts_with(&start) && detail.ends_with(end),
            "{detail}"
        );
    }
    let error = failure_of(Reply::status("500 Internal Server Error", "", long)).await;
    assert!(error.detail.shown().len() < 260, "{}", error.detail.shown());
}

#[tokio::test]
async fn a_busy_server_says_for_how_long() {
    let date = "Date: Sat, 21 Nov 2026 08:00:00 GMT\r\nRetry-After: Sat, 21 Nov 2026 08:01:30 GMT";
    let cases = [
        ("429 Too Many Requests", "Retry-After: 7", Some(7)),
        ("503 Service Unavailable", date, Some(90)),
        ("503 Service Unavailable", "Retry-After: soon", None),
        (
            "503 Service Unavailable",
            "Retry-After: 99999999999",
            Some(3600),
        ),
        ("500 Internal Server Error", "Retry-After: 7", None),
    ];
    for (status, headers, expected) in cases {
        let error = failure_of(Reply::status(status, headers, "")).await;
        assert_eq!(
            error.retry_after.map(|d| d.as_secs()),
            expected,
            "{headers}"
        );
    }
}

#[tokio::test]
async fn what_is_not_an_answer_is_malformed() {
    let login = "<html><title>Sign in</title></html>";
    let cases = [
        (Reply::ok(login), "a web page (\"Sign in\"), not this API"),
        (Reply::ok(b"[\"a\xffb\"]"), "byte 3: not UTF-8"),
        (
            Reply::cut_short("200 OK", "", "[{\"labels\"", 5000),
            "the answer ends early after 10 bytes",
        ),
        (
            Reply::chunked("", "5\r\n[1,2,\r\n5\r\n3,"),
            "the answer ends early after ",
        ),
        (Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"), "does not speak HTTP"),
        (
            Reply::status("200 OK", "Content-Encoding: gzip", &BOMB[..2000]),
            "the answer ends early after ",
        ),
        (
            Reply::status("200 OK", "Content-Encoding: gzip", "not gzip at all"),
            "the compression is broken after 0 bytes",
        ),
    ];
    for (reply, expected) in cases {
        let error = failure_of(reply).await;
        assert_eq!(error.kind, ErrorKind::Malformed, "{error}");
        assert!(error.detail.shown().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_slow_answer_times_out_wherever_it_stops() {
    let cases = [
        (Reply::raw(""), "no answer within 200ms"),
        (
            Reply::raw("HTTP/1.1 200 OK\r\nContent-"),
            "no answer within 200ms",
        ),
        (
            Reply::cut_short("200 OK", "", "[1,2", 5000),
            "the answer was not complete within 200ms: 4 bytes came",
        ),
    ];
    for (reply, expected) in cases {
        let server = Server::answering(move |_| reply.clone().then_hold());
        let slow = Endpoint {
            timeout: Duration::from_millis(200),
            ..endpoint(&server.url)
        };
        let error = failure(&slow).await;
        assert_eq!(error.kind, ErrorKind::TimedOut);
        assert!(error.detail.shown().ends_with(expected), "{error}");
    }
}

#[tokio::test]
async fn an_answer_above_the_cap_is_not_read_on() {
    let gzip = "Content-Encoding: gzip";
    let cases = [
        // Said beforehand; the bytes themselves never come.
        Reply::cut_short("200 OK", "", "[", 5000).then_hold(),
        Reply::chunked("", format!("{:x}\r\n{}", 1100, " ".repeat(1100))).then_hold(),
        Reply::status("200 OK", gzip, BOMB),
    ];
    for reply in cases {
        let server = Server::answering(move |_| reply.clone());
        let small = Endpoint {
            max_response_bytes: 1024,
            ..endpoint(&server.url)
        };
        let error = failure(&small).await;
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert_eq!(
            error.detail.shown(),
            "more than the 1024 bytes that `max_response_mib` allows"
        );
    }
    let server = Server::answering(move |_| Reply::status("200 OK", gzip, BOMB));
    let mut large = endpoint(&server.url);
    assert_eq!(ask(&large).await.unwrap().len(), 4 * 1024 * 1024);
    large.max_response_bytes = 4 * 1024 * 1024 - 1;
    assert_eq!(failure(&large).await.kind, ErrorKind::TooLarge);
    large.max_response_bytes = 1024 * 1024;
    assert!(
        failure(&large)
            .await
            .detail
            .shown()
            .contains("the 1 MiB that")
    );
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let closed = Url::parse(&format!("http://dana:hunter2@{address}/am?token=s3cret")).unwrap();
    let error = failure(&endpoint(&closed)).await;
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(
        error.detail.shown(),
        format!("{address}: connection refused")
    );

    let error = failure_of(Reply::raw("")).await;
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let detail = error.detail.shown();
    assert!(
        detail.ends_with("the connection was closed before an answer"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_proxy_is_asked_instead() {
    let proxy = Server::answering(|_| Reply::ok("[]"));
    let mut endpoint = endpoint(&Url::parse("http://am-1.example:9093/am").unwrap());
    endpoint.proxy = Some(proxy.url.clone());
    ask(&endpoint).await.unwrap();
    let target = &proxy.requests()[0].target;
    assert_eq!(
        target,
        "http://am-1.example:9093/am/api/v2/alerts?active=true"
    );

    endpoint.proxy = Some(Url::parse("http://dana:hunter2@quell-test.invalid:3128").unwrap());
    let error = failure(&endpoint).await;
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(
        error.detail.shown(),
        "am-1.example:9093 through quell-test.invalid:3128: the host name cannot be resolved"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_shown_without_credentials() {
    let location = "Location: https://dana:hunter2@sso.example.com/login?next=s3cret#top";
    let error = failure_of(Reply::status("302 Found", location, "")).await;
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(
        error.detail.shown(),
        "302 Found at /api/v2/alerts: redirects to https://sso.example.com/login, \
         which quell does not follow"
    );
    let error = failure_of(Reply::status(
        "307 Temporary Redirect",
        "Location: /am/",
        "",
    ))
    .await;
    assert!(error.detail.shown().contains("/am/, which"), "{error}");
    let error = failure_of(Reply::status("302 Found", "", "")).await;
    assert!(
        error.detail.shown().contains("redirects to nowhere"),
        "{error}"
    );
}

#[tokio::test]
async fn paths_go_under_the_prefix_and_parameters_are_encoded() {
    let server = Server::answering(|_| Reply::ok("[]"));
    for prefix in ["", "/", "/am", "/am/", "/a%20b/am/"] {
        let url = server.url.join(prefix).unwrap();
        let client = HttpClient::new(&endpoint(&url)).unwrap();
        let params = [("filter", "a=~\"b|c&d+e\""), ("filter", "é=\"\"")];
        client.get("/api/v2/alerts", &params).await.unwrap();
    }
    let requests = server.requests();
    let paths: Vec<_> = requests.iter().map(Request::path).collect();
    assert_eq!(
        paths,
        [
            "/api/v2/alerts",
            "/api/v2/alerts",
            "/am/api/v2/alerts",
            "/am/api/v2/alerts",
            "/a%20b/am/api/v2/alerts",
        ]
    );
    assert_eq!(requests[0].params("filter"), ["a=~\"b|c&d+e\"", "é=\"\""]);
}

#[tokio::test]
async fn headers_and_credentials_are_sent() {
    let server = Server::answering(|_| Reply::ok("[]"));
    let mut endpoint = endpoint(&server.url);
    endpoint.headers = vec![
        (
            "X-Scope-OrgID".to_owned(),
            ConfiguredValue::Plain("acme".to_owned()),
        ),
        (
            "X-Key".to_owned(),
            ConfiguredValue::Secret(Secret::Command(vec!["echo".to_owned(), "k3y".to_owned()])),
        ),
    ];
    let password = Secret::Command(vec!["echo".to_owned(), "hunter2".to_owned()]);
    endpoint.auth = Auth::Bearer(password.clone());
    ask(&endpoint).await.unwrap();
    endpoint.auth = Auth::Basic {
        username: "dana".to_owned(),
        password,
    };
    ask(&endpoint).await.unwrap();

    let requests = server.requests();
    for request in &requests {
        assert_eq!(request.header("x-scope-orgid"), Some("acme"));
        assert_eq!(request.header("x-key"), Some("k3y"));
        assert_eq!(request.header("user-agent"), Some(USER_AGENT));
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
    }
    assert_eq!(requests[0].header("authorization"), Some("Bearer hunter2"));
    // `dana:hunter2`
    assert_eq!(
        requests[1].header("authorization"),
        Some("Basic ZGFuYTpodW50ZXIy")
    );
}

#[tokio::test]
async fn a_rotated_token_is_read_again_and_a_wrong_one_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "old\n").unwrap();
    let accepted = Arc::new(std::sync::Mutex::new("old"));
    let wanted = accepted.clone();
    let server = Server::answering(move |request| {
        let token = format!("Bearer {}", wanted.lock().unwrap());
        if request.header("authorization") == Some(&*token) {
            return Reply::ok("[]");
        }
        Reply::status("401 Unauthorized", "", "")
    });
    let mut endpoint = endpoint(&server.url);
    endpoint.auth = Auth::Bearer(Secret::File(path.clone()));
    let client = HttpClient::new(&endpoint).unwrap();
    let get = async || {
        client
            .get("/", &[])
            .await
            .map(|_| server.take_paths().len())
    };

    assert_eq!(get().await.unwrap(), 1);
    *accepted.lock().unwrap() = "new";
    let error = get().await.unwrap_err().error;
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(
        server.take_paths().len(),
        1,
        "the same token was sent twice"
    );

    std::fs::write(&path, "new\n").unwrap();
    assert_eq!(get().await.unwrap(), 2);
    assert_eq!(get().await.unwrap(), 1, "the new token was not kept");

    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        get().await.unwrap(),
        1,
        "the token is read although it works"
    );
    *accepted.lock().unwrap() = "newer";
    let error = get().await.unwrap_err().error;
    assert_eq!(error.kind, ErrorKind::Local);
    assert!(
        error.detail.shown().ends_with("entity not found"),
        "{error}"
    );
}

#[test]
fn headers_that_cannot_be_sent_are_refused_at_once() {
    let url = Url::parse("http://127.0.0.1:1").unwrap();
    for (name, value) in [("a b", "x"), ("X-Ok", "a\nb")] {
        let mut endpoint = endpoint(&url);
        let value = ConfiguredValue::Plain(value.to_owned());
        endpoint.headers.push((name.to_owned(), value));
        let error = HttpClient::new(&endpoint).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Local);
        assert!(error.detail.shown().contains(name), "{error}");
    }
}

fn pem(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/tls").join(name)
}

fn tls_server(clients: Clients) -> Server {
    install_crypto_provider();
    let certificate = CertificateDer::from_pem_file(pem("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(pem("server-key.pem")).unwrap();
    let config = match clients {
        Clients::Any => ServerConfig::builder().with_no_client_auth(),
        Clients::Certified => {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_file(pem("authority.pem")).unwrap();
            roots.add(authority).unwrap();
            let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    Server::tls(config, Reply::ok("[]"))
}

#[derive(Clone, Copy)]
enum Clients {
    Any,
    Certified,
}

#[tokio::test]
async fn the_server_s_certificate_is_verified() {
    let server = tls_server(Clients::Any);
    let mut endpoint = endpoint(&server.url);
    let error = failure(&endpoint).await;
    assert_eq!(error.kind, ErrorKind::Tls);
    assert!(error.detail.shown().contains("UnknownIssuer"), "{error}");

    endpoint.tls.ca_file = Some(pem("authority.pem"));
    assert_eq!(ask(&endpoint).await.unwrap(), "[]");

    endpoint.url.set_host(Some("localhost")).unwrap();
    let error = failure(&endpoint).await;
    assert_eq!(error.kind, ErrorKind::Tls);
    assert!(
        error.detail.shown().contains("not valid for name"),
        "{error}"
    );
}

#[tokio::test]
async fn our_certificate_is_shown_where_it_is_asked_for() {
    let server = tls_server(Clients::Certified);
    let mut endpoint = endpoint(&server.url);
    endpoint.tls.ca_file = Some(pem("authority.pem"));
    let error = failure(&endpoint).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");

    endpoint.tls.client = Some(ClientCertificate {
        cert_file: pem("client.pem"),
        key_file: pem("client-key.pem"),
    });
    assert_eq!(ask(&endpoint).await.unwrap(), "[]");
}

#[tokio::test]
async fn http_and_https_are_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = endpoint(&Url::parse(&format!("https://{address}")).unwrap());
    // It cannot find the end of a head in a TLS greeting, and refuses it at once as Go does.
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _gone = std::io::Read::read(&mut stream, &mut [0; 16]);
    });
    let error = failure(&endpoint).await;
    assert_eq!(error.kind, ErrorKind::Tls);
    assert!(
        error
            .detail
            .shown()
            .ends_with("(does it speak plain http?)"),
        "{error}"
    );
}

#[test]
fn unusable_certificate_files_are_named() {
    let mut endpoint = endpoint(&Url::parse("https://127.0.0.1:1").unwrap());
    endpoint.tls.ca_file = Some(pem("missing.pem"));
    let error = HttpClient::new(&endpoint).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Local);
    assert!(
        error
            .detail
            .shown()
            .ends_with("missing.pem: entity not found"),
        "{error}"
    );

    endpoint.tls.ca_file = Some(pem("client-key.pem"));
    let error = HttpClient::new(&endpoint).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Tls);
    assert!(
        error.detail.shown().ends_with("it has no certificate"),
        "{error}"
    );

    endpoint.tls.ca_file = None;
    endpoint.tls.client = Some(ClientCertificate {
        cert_file: pem("client.pem"),
        key_file: pem("authority.pem"),
    });
    let error = HttpClient::new(&endpoint).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Tls);
}

#[tokio::test]
async fn what_still_holds_is_told_by_its_tag_alone() {
    let server = Server::answering(|request| match request.header("if-none-match") {
        Some("W/\"7\"") => Reply::status("304 Not Modified", "ETag: W/\"7\"", ""),
        _ => Reply::status("200 OK", "ETag: W/\"7\"", "[]"),
    });
    let client = HttpClient::new(&endpoint(&server.url)).unwrap();
    for sent in [None, Some("W/\"6\""), Some("not\na header")] {
        match client.get_unless(sent, "/x", &[]).await.unwrap() {
            Asked::Changed(body) => {
                assert_eq!(body.head().etag.as_deref(), Some("W/\"7\""));
                assert_eq!(body.whole().await.unwrap(), "[]");
            }
            Asked::Unchanged(_) => unreachable!("{sent:?}"),
        }
    }
    let asked = client.get_unless(Some("W/\"7\""), "/x", &[]).await.unwrap();
    assert!(matches!(asked, Asked::Unchanged(head) if head.etag.as_deref() == Some("W/\"7\"")));

    // Nobody asked for it: then it is a refusal like any other redirect.
    let server = Server::answering(|_| Reply::status("304 Not Modified", "", ""));
    let client = HttpClient::new(&endpoint(&server.url)).unwrap();
    let failed = client.get("/x", &[]).await.err().unwrap();
    assert_eq!(failed.error.kind, ErrorKind::Refused);
}

#[tokio::test]
async fn a_403_about_the_rate_is_no_403_about_the_user() {
    let of = |headers: &str, body: &str| {
        let reply = Reply::status("403 Forbidden", headers, body);
        async move { failure_of(reply).await }
    };
    let count = "X-RateLimit-Limit: 60\r\nX-RateLimit-Reset: 1795248300\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT";
    let spent = of(&format!("X-RateLimit-Remaining: 0\r\n{count}"), "no").await;
    assert_eq!(spent.kind, ErrorKind::Busy);
    assert_eq!(spent.retry_after, Some(Duration::from_mins(5)));
    let left = of(&format!("X-RateLimit-Remaining: 1\r\n{count}"), "no").await;
    assert_eq!(
        (left.kind, left.retry_after),
        (ErrorKind::Unauthorized, None)
    );
    let said = of("", r#"{"message":"You have exceeded a Rate Limit"}"#).await;
    assert_eq!(
        (said.kind, said.retry_after),
        (ErrorKind::Busy, Some(Duration::from_mins(1)))
    );
}
