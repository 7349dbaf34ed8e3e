//! Clients that come by TLS, and browsers.

use super::*;
use crate::html_report::browser::Browser;
use crate::page::page;

#[test]
fn https_is_spoken_with_a_certificate_of_a_file_and_nothing_without_one_that_fits() {
    let tls = ["--tls-cert", SERVER[0], "--tls-key", SERVER[1], "--client-deadline", "1s"];
    let collector = Collector::listening(&[&["-b", "nowhere", "--pass-through"], &tls[..]].concat());
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/ca.pem");
    let url = format!("https://{}/events", collector.address);
    let asked = || {
        let args = ["-s", "--cacert", ca, "-H", "Content-Type: application/json", "-d", "{\"a\":1}", &url];
        Command::new("curl").args(args).output().unwrap()
    };
    wait_until("answer over TLS", PATIENCE, || asked().stdout.starts_with(b"{\"success\":true"));
    assert!(!collector.raw(b"GET /healthz HTTP/1.1\r\n\r\n").contains("200"), "plain HTTP is not spoken");
    // A handshake that does not go on is cut off.
    collector.raw(b"\x16\x03\x01");
    let (code, report) = collector.end();
    assert_adds_up(&report);
    assert!(code == 0 && report["collected"]["connections_broken"].as_u64() >= Some(2), "{}", report["collected"]);

    let other = SERVER[1].replace("server.key", "other.key");
    let locked = SERVER[1].replace("server.key", "locked.key");
    for (certificate, key, why) in [
        ("missing.pem", SERVER[1], "the certificate missing.pem: "),
        (SERVER[1], SERVER[1], "the certificate "),
        (SERVER[0], SERVER[0], "the key "),
        (SERVER[0], &locked, "the key "),
        (SERVER[0], &other, "the certificate "),
    ] {
        let args = ["collect", "--listen", "127.0.0.1:0", "-b", "nowhere", "--tls-cert", certificate, "--tls-key", key];
        let folder = tempfile::tempdir().unwrap();
        let ended =
            Command::new(env!("CARGO_BIN_EXE_loadgen")).args(args).current_dir(&folder).env_clear().output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code() == Some(104) && said.contains(why), "{certificate} {key}: {said}");
    }
}

#[test]
fn each_click_on_a_page_with_the_script_is_acked_and_read_back() {
    let Some(browser) = Browser::start() else { return };
    // Which address the page has is known before that of the collector.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let page = page(&format!("http://{free}/loadgen.js"));
    let listen = free.to_string();
    let collector = Collector::start(&["--verify", "--listen", &listen, "--allow-origin", &page]);
    browser.visit(&page);
    browser.click("button", 200);
    wait_until("answer to each of them", PATIENCE, || {
        collector.get("/metrics").body.contains("loadgen_collect_events_total{told=\"acked\"} 201\n")
    });
    let (code, report) = collector.end();
    assert_adds_up(&report);
    assert_eq!((code, &report["ledger"]["verified"], &report["ledger"]["scheduled"]), (0, &json!(201), &json!(201)));
    assert_eq!((&report["by_type"]["track"]["sent"], &report["by_type"]["page"]["sent"]), (&json!(200), &json!(1)));
}
