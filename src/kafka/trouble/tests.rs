use super::*;

fn error(code: Code, text: &str) -> Notice {
    Notice::Error { code, text: text.to_owned(), fatal: false }
}

fn log(facility: &str, text: &str) -> Notice {
    Notice::Log { level: 3, facility: facility.to_owned(), text: text.to_owned() }
}

fn heard(notices: &[Notice]) -> Troubles {
    let mut troubles = Troubles::default();
    for notice in notices {
        troubles.hear(notice);
    }
    troubles
}

#[test]
fn the_first_and_most_telling_reason_wins_over_all_brokers_are_down() {
    let troubles = heard(&[
        error(
            Code::Authentication,
            "sasl_plaintext://127.0.0.1:29093/bootstrap: SASL authentication error: Authentication failed: Invalid username \
             or password (after 302ms in state AUTH_REQ)",
        ),
        error(
            Code::BrokerTransportFailure,
            "sasl_plaintext://127.0.0.1:29093/bootstrap: Disconnected (after 1ms in state UP)",
        ),
        error(Code::AllBrokersDown, "1/1 brokers are down"),
    ]);
    assert!(
        troubles.is_hopeless(Brokers::AnyOf(1), Duration::ZERO)
            && !troubles.is_hopeless(Brokers::AnyOf(2), Duration::MAX)
    );
    let told = troubles.told().unwrap();
    assert_eq!((told.obstacle, told.address.as_str(), told.id), (Obstacle::Login, "127.0.0.1:29093", None));
    assert_eq!(
        told.to_string(),
        "127.0.0.1:29093 does not take the login: SASL authentication error: Authentication failed: Invalid username or password"
    );
}

#[test]
fn a_refusal_is_waited_out_for_a_moment_and_silence_to_the_end() {
    let text =
        "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)";
    let refused = [error(Code::BrokerTransportFailure, text), error(Code::AllBrokersDown, "1/1 brokers are down")];
    assert!(!heard(&refused).is_hopeless(Brokers::AnyOf(1), Duration::from_secs(1)));
    assert!(heard(&refused).is_hopeless(Brokers::AnyOf(1), Duration::from_secs(2)));
    assert!(!heard(&refused).is_hopeless(Brokers::AnyOf(2), Duration::from_secs(9)), "the other one may be slow");
    assert!(!heard(&refused).is_hopeless(Brokers::TheLeader, Duration::from_secs(9)), "another one may be elected");
    assert!(!heard(&[]).is_hopeless(Brokers::AnyOf(0), Duration::MAX));
    assert_eq!(heard(&refused).told().unwrap().to_string(), "Connect to ipv4#127.0.0.1:1 failed: Connection refused");
}

#[test]
fn each_way_to_miss_a_listener_is_known_by_the_clients_words() {
    let ssl = |words: &str| error(Code::Ssl, &format!("ssl://b:1/bootstrap: {words}"));
    let transport = |words: &str| error(Code::BrokerTransportFailure, &format!("b:1/bootstrap: {words}"));
    let cases = [
        (
            ssl("SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: ..."),
            Obstacle::Certificate,
        ),
        (ssl("SSL handshake failed: error:0A00010B:SSL routines::wrong version number"), Obstacle::NotTls),
        (
            transport(
                "SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener?",
            ),
            Obstacle::NotTls,
        ),
        (
            transport(
                "Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42",
            ),
            Obstacle::ClientCertificate,
        ),
        (
            transport(
                "Disconnected: requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10",
            ),
            Obstacle::WantsTls,
        ),
        (
            transport(
                "Disconnected: verify that security.protocol is correctly configured, broker might require SASL authentication",
            ),
            Obstacle::WantsLogin,
        ),
        (
            transport(
                "Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.message.max.bytes",
            ),
            Obstacle::NotKafka,
        ),
        (
            error(
                Code::Authentication,
                "sasl_plaintext://b:1/bootstrap: SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Unsupported SASL mechanism",
            ),
            Obstacle::Login,
        ),
        (
            transport(
                "Disconnected: connection closed by peer: receive 0 after POLLIN (after 1ms in state APIVERSION_QUERY)",
            ),
            Obstacle::WantsTls,
        ),
        (transport("Send failed: Broken pipe (after 4ms in state UP)"), Obstacle::WantsLogin),
        (transport("Disconnected: connection closed by peer (after 600123ms in state UP)"), Obstacle::Other),
        (
            error(
                Code::Resolve,
                "kafka.invalid:9092/1: Failed to resolve 'kafka.invalid:9092': Name or service not known",
            ),
            Obstacle::Unresolved,
        ),
        (transport("Connect to ipv4#10.0.0.1:1 failed: No route to host"), Obstacle::NoRoute),
        (
            transport("ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10"),
            Obstacle::Other,
        ),
    ];
    for (notice, obstacle) in cases {
        let told = heard(std::slice::from_ref(&notice)).told().unwrap();
        assert_eq!(told.obstacle, obstacle, "{notice:?}");
    }
    let advertised =
        error(Code::Resolve, "kafka.invalid:9092/7: Failed to resolve 'kafka.invalid:9092': Name or service not known");
    assert_eq!(heard(&[advertised]).told().unwrap().id, Some(7));
}

#[test]
fn what_openssl_has_against_a_certificate_is_told_with_whose_it_is() {
    let troubles = heard(&[
        log(
            "SSLCERTVRFY",
            "[thrd:ssl://b:1/bootstrap]: ssl://b:1/bootstrap: Certificate (subject=/CN=old, issuer=/CN=ca) verification callback \
             failed: it has expired",
        ),
        error(
            Code::Ssl,
            "ssl://b:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified",
        ),
    ]);
    assert_eq!(
        troubles.told().unwrap().to_string(),
        "the certificate of b:1 is not accepted: Certificate (subject=/CN=old, issuer=/CN=ca): it has expired"
    );
}

#[test]
fn what_the_client_only_logs_is_heard_too() {
    let text = "[thrd:127.0.0.1:2/bootstrap]: 127.0.0.1:2/bootstrap: Disconnected: verify that security.protocol is correctly \
                configured, broker might require SASL authentication (after 309ms in state UP)";
    let troubles =
        heard(&[log("FAIL", text), log("CONFWARN", "x: y"), error(Code::AllBrokersDown, "1/1 brokers are down")]);
    let told = troubles.told().unwrap();
    assert_eq!((told.obstacle, told.address.as_str()), (Obstacle::WantsLogin, "127.0.0.1:2"));
}
