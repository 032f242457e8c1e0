//! Kubeconfigs, and the plugins they name.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::source::ErrorKind;

/// Two clusters, two users, and contexts that are wrong in every way.
const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
clusters:
- {name: eu, cluster: {server: "SERVER"}}
- {name: lax, cluster: {server: "SERVER", insecure-skip-tls-verify: true}}
- {name: bare, cluster: {server: "eu-1.example:6443"}}
- {name: badca, cluster: {server: "SERVER", certificate-authority: /nonexistent/ca.pem}}
contexts:
- {name: prod-eu-1, context: {cluster: eu, user: vera}}
- {name: prod-eu-2, context: {cluster: eu, user: otto}}
- {name: lax, context: {cluster: lax, user: vera}}
- {name: bare, context: {cluster: bare, user: vera}}
- {name: badca, context: {cluster: badca, user: vera}}
- {name: nocluster, context: {cluster: asia, user: vera}}
- {name: nouser, context: {cluster: eu, user: nobody}}
- {name: gcp, context: {cluster: eu, user: old}}
users:
- {name: vera, user: {token: vera-t0ken}}
- {name: otto, user: {token: otto-t0ken}}
- {name: old, user: {auth-provider: {name: gcp, config: {cmd-path: /bin/false}}}}
"#;

fn served() -> (Script, Server) {
    let script = Script::recorded();
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let answering = script.clone();
    let server = Server::answering(move |request| answering.reply(request));
    (script, server)
}

fn write(folder: &TempDir, server: &Server, text: &str) -> PathBuf {
    let path = folder.path().join("config");
    let url = server.url.as_str().trim_end_matches('/');
    std::fs::write(&path, text.replace("SERVER", url)).unwrap();
    path
}

fn nodes(path: &Path, context: Option<&str>) -> Kubernetes {
    source(&KubernetesSettings {
        kinds: vec!["nodes".to_owned()],
        ..settings(path, context)
    })
}

async fn error_of(path: &Path, context: Option<&str>) -> String {
    let error = nodes(path, context).poll(t(0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Local);
    error
        .detail
        .shown()
        .replace(&path.display().to_string(), "FILE")
}

#[tokio::test]
async fn the_context_decides_who_we_are() {
    let (_, server) = served();
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &server, KUBECONFIG);
    for (context, bearer) in [
        ("prod-eu-1", "Bearer vera-t0ken"),
        ("prod-eu-2", "Bearer otto-t0ken"),
    ] {
        let answer = nodes(&path, Some(context)).poll(t(0)).await.unwrap();
        assert_eq!(state(&answer), "read 3");
        let requests = server.requests();
        assert_eq!(
            requests.last().unwrap().header("authorization"),
            Some(bearer)
        );
    }
    let current = write(
        &folder,
        &server,
        &format!("{KUBECONFIG}current-context: prod-eu-2\n"),
    );
    nodes(&current, None).poll(t(0)).await.unwrap();
    let last = server.requests().pop().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer otto-t0ken"));
}

#[tokio::test]
async fn another_current_context_is_not_followed_to_another_cluster() {
    let (script, server) = served();
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        &folder,
        &server,
        &format!("{KUBECONFIG}current-context: prod-eu-1\n"),
    );
    let mut source = nodes(&path, None);
    source.poll(t(0)).await.unwrap();
    let refused = refusal("401 Unauthorized", "errors/401-bad-token.json");
    script.set("/api", [refused, recorded("meta/aggregated-api.json")]);
    source.poll(t(300)).await.unwrap_err();
    write(
        &folder,
        &server,
        &format!("{KUBECONFIG}current-context: prod-eu-2\n"),
    );
    source.poll(t(330)).await.unwrap();
    assert_eq!(
        server
            .requests()
            .iter()
            .filter(|r| r.path() == "/api")
            .count(),
        3
    );
    let asked = server.requests();
    let asked = asked
        .iter()
        .filter_map(|request| request.header("authorization"));
    assert!(
        asked
            .into_iter()
            .all(|bearer| bearer == "Bearer vera-t0ken")
    );
}

#[tokio::test]
async fn a_context_that_leads_to_another_server_begins_anew() {
    let (script, server) = served();
    let (_, other) = served();
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{KUBECONFIG}current-context: prod-eu-1\n");
    let mut source = nodes(&write(&folder, &server, &text), None);
    source.poll(t(0)).await.unwrap();
    let refused = refusal("401 Unauthorized", "errors/401-bad-token.json");
    script.set("/api", [refused]);
    source.poll(t(300)).await.unwrap_err();
    write(&folder, &other, &text);
    assert_eq!(state(&source.poll(t(330)).await.unwrap()), "read 3");
    let asked: Vec<String> = other.requests().into_iter().map(|r| r.target).collect();
    assert!(
        asked.contains(&"/api/v1/nodes?limit=500".to_owned()),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_kubeconfig_is_said_with_the_next_step() {
    let (_, server) = served();
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &server, KUBECONFIG);
    for (context, expected) in [
        (
            None,
            "kubeconfig FILE has no current context: set `context` to one of `prod-eu-1`, \
             `prod-eu-2`, `lax`, `bare`, `badca`, `nocluster`, `nouser`, `gcp`",
        ),
        (
            Some("prod-eu1"),
            "kubeconfig FILE has no context `prod-eu1`: did you mean `prod-eu-1`?",
        ),
        (
            Some("staging"),
            "kubeconfig FILE has no context `staging`: it has one of `prod-eu-1`, `prod-eu-2`, \
             `lax`, `bare`, `badca`, `nocluster`, `nouser`, `gcp`",
        ),
        (
            Some("lax"),
            "kubeconfig FILE: cluster `lax` says `insecure-skip-tls-verify: true`, but quell always \
             verifies: give its CA as `certificate-authority`, or its name as `tls-server-name`",
        ),
        (
            Some("nocluster"),
            "kubeconfig FILE: context `nocluster` names the cluster `asia`, which is not there",
        ),
        (
            Some("nouser"),
            "kubeconfig FILE: context `nouser` names the user `nobody`, which is not there",
        ),
        (
            Some("bare"),
            "context `bare` of kubeconfig FILE: its server `eu-1.example:6443` is no URL: begin it \
             with https://",
        ),
        (
            Some("gcp"),
            "kubeconfig FILE: user `old` logs in by the auth-provider `gcp`, which Kubernetes has \
             removed: use an exec plugin (gke-gcloud-auth-plugin, kubelogin)",
        ),
    ] {
        assert_eq!(error_of(&path, context).await, expected);
    }
    let badca = error_of(&path, Some("badca")).await;
    assert!(
        badca.starts_with("context `badca` of kubeconfig FILE: "),
        "{badca}"
    );
    assert!(badca.contains("/nonexistent/ca.pem"), "{badca}");

    let missing = folder.path().join("nowhere");
    assert_eq!(
        error_of(&missing, None).await,
        "kubeconfig FILE: entity not found; set `kubeconfig`, or KUBECONFIG"
    );
    let broken = write(
        &folder,
        &server,
        "users:\n- name: vera\n  user: [token: s3cr3t\n",
    );
    let broken = error_of(&broken, None).await;
    assert!(broken.starts_with("kubeconfig FILE: "), "{broken}");
    assert!(!broken.contains("s3cr3t"), "{broken}");
    let empty = write(&folder, &server, "");
    assert_eq!(
        error_of(&empty, None).await,
        "kubeconfig FILE has no current context: set `context` to no context at all"
    );
}

/// A user whose credentials a program prints. The program is a file that `sh` reads.
fn with_plugin(folder: &TempDir, server: &Server, script: &str) -> PathBuf {
    let program = folder.path().join("plugin");
    std::fs::write(&program, script).unwrap();
    let program = program.display();
    let user = format!(
        "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: sh\n      \
         args: [{program}]\n      env: [{{name: WHO, value: vera}}]\n      \
         interactiveMode: Always\n      installHint: buy one"
    );
    kubeconfig(folder.path(), server, &user)
}

fn printing(token: &str, expires: &str) -> String {
    format!(
        "echo \"$KUBERNETES_EXEC_INFO\" >> {{log}}\necho noise >&2\n\
         echo '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\
         \"status\":{{\"token\":\"{token}-'$WHO'\"{expires}}}}}'\n"
    )
}

#[tokio::test]
async fn a_plugin_gives_the_token_and_is_asked_again_before_it_ends_or_when_it_is_refused() {
    let (script, server) = served();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let write = |token: &str, expires: &str| {
        let text = printing(token, expires).replace("{log}", &log.display().to_string());
        with_plugin(&folder, &server, &text)
    };
    let runs = || std::fs::read_to_string(&log).unwrap().lines().count();
    let bearer = || {
        let last = server.requests().pop().unwrap();
        last.header("authorization").unwrap().to_owned()
    };
    let path = write("one", ",\"expirationTimestamp\":\"2026-11-21T06:30:00Z\"");
    let mut source = nodes(&path, None);
    assert_eq!(state(&source.poll(t(0)).await.unwrap()), "read 3");
    assert_eq!((runs(), bearer().as_str()), (1, "Bearer one-vera"));
    let info: serde_json::Value = serde_json::from_str(
        std::fs::read_to_string(&log)
            .unwrap()
            .lines()
            .next()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");

    write("two", "");
    source.poll(t(300)).await.unwrap();
    assert_eq!((runs(), bearer().as_str()), (1, "Bearer one-vera"));
    source.poll(t(541)).await.unwrap();
    assert_eq!(runs(), 2);
    source.poll(t(600)).await.unwrap();
    assert_eq!(bearer(), "Bearer two-vera");

    // Refused before its time: once more with a new one, in the same poll.
    write("three", "");
    let refused = refusal("401 Unauthorized", "errors/401-bad-token.json");
    script.set("/api", [refused, recorded("meta/aggregated-api.json")]);
    assert_eq!(state(&source.poll(t(900)).await.unwrap()), "read 3");
    assert_eq!(runs(), 3);
    source.poll(t(1200)).await.unwrap();
    assert_eq!(bearer(), "Bearer three-vera");
}

#[tokio::test]
async fn a_plugin_that_fails_says_why_and_never_what_it_printed() {
    let (_, server) = served();
    let folder = tempfile::tempdir().unwrap();
    for (script, expected) in [
        (
            "echo s3cr3t\necho trying >&2\necho 'SSO session has expired' >&2\nexit 3\n",
            "exit status: 3: SSO session has expired",
        ),
        (
            "exit 1\n",
            "exit status: 1, without a word; run it by hand to see why",
        ),
        ("echo s3cr3t\n", "what it printed is no ExecCredential"),
        (
            "echo '{\"kind\":\"ExecCredential\"}'\n",
            "its ExecCredential has no `status`, so no credentials",
        ),
        (
            "echo '{\"status\":{\"clientCertificateData\":\"s3cr3t\"}}'\n",
            "its `status` has neither a token nor a certificate with its key",
        ),
        (
            "echo '{\"status\":{\"token\":\"s3cr3t\",\"expirationTimestamp\":\"soon\"}}'\n",
            "its `expirationTimestamp` is no time",
        ),
        // It is not asked for anything: there is nobody to answer.
        (
            "read answer || { echo 'no input' >&2; exit 9; }\n",
            "exit status: 9: no input",
        ),
    ] {
        let path = with_plugin(&folder, &server, script);
        assert_eq!(
            error_of(&path, None).await,
            format!("the plugin `sh` of the kubeconfig's user `vera`: {expected}")
        );
    }
    let path = with_plugin(&folder, &server, "");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("command: sh", "command: /nonexistent/aws"),
    )
    .unwrap();
    assert_eq!(
        error_of(&path, None).await,
        "the plugin `/nonexistent/aws` of the kubeconfig's user `vera`: it cannot be started: \
         entity not found; buy one"
    );
}

#[test]
fn a_certificate_is_carried_as_a_kubeconfig_carries_it() {
    let base64 = super::super::plugin::base64;
    for (plain, carried) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foobar", "Zm9vYmFy"),
        ("\u{ff}\u{fe}~", "w7/Dvn4="),
    ] {
        assert_eq!(base64(plain.as_bytes()), carried);
    }
}

#[tokio::test]
async fn a_proxy_of_the_kubeconfig_is_gone_through_and_its_refusal_is_told() {
    let (_, server) = served();
    let proxy = Server::answering(|_| {
        Reply::status("407 Proxy Authentication Required", "", "who are you?")
    });
    let folder = tempfile::tempdir().unwrap();
    let own = format!("{{server: \"SERVER\", proxy-url: \"{}\"}}", proxy.url);
    let text = KUBECONFIG.replacen("{server: \"SERVER\"}", &own, 1);
    let path = write(&folder, &server, &text);
    let error = nodes(&path, Some("prod-eu-1"))
        .poll(t(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    let said = error.detail.shown();
    assert!(
        said.ends_with("tunnel error: proxy authorization required"),
        "{said}"
    );
    let asked: Vec<String> = proxy.requests().into_iter().map(|r| r.target).collect();
    let address = server.url.socket_addrs(|| None).unwrap()[0];
    assert_eq!(asked[0], address.to_string());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    let (_, server) = served();
    let folder = tempfile::tempdir().unwrap();
    let own = "{server: \"SERVER\", proxy-url: \"ftp://vera:s3cr3t@proxy:21\"}";
    let text = KUBECONFIG.replacen("{server: \"SERVER\"}", own, 1);
    let path = write(&folder, &server, &text);
    assert_eq!(
        error_of(&path, Some("prod-eu-1")).await,
        "the proxy proxy:21: only http, https and socks5 can be used"
    );
}
