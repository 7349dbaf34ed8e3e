//! JAAS entries: what a login module is told, as user name and password.

/// What a JAAS login module says, as properties.
pub(super) fn jaas(config: &str) -> Result<Vec<(&'static str, String)>, (String, &'static str)> {
    const HINT: &str = "write sasl.username and sasl.password instead";
    let mut words = jaas_words(config).into_iter();
    let module = words.next().unwrap_or_default();
    let class = module.rsplit('.').next().unwrap_or_default();
    let options: Vec<(String, String)> = words
        .skip(1)
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let option = |name: &str| options.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    match class {
        "PlainLoginModule" | "ScramLoginModule" => {
            let needed = |name: &str| option(name).ok_or_else(|| (format!("{class} has no {name}"), HINT));
            Ok(vec![("sasl.username", needed("username")?), ("sasl.password", needed("password")?)])
        }
        "Krb5LoginModule" => {
            Err(("Kerberos is not built into this program".to_owned(), "use a SASL mechanism of PLAIN or SCRAM"))
        }
        "OAuthBearerLoginModule" => Err((
            "OAuth logins are not taken from a JAAS entry".to_owned(),
            "write sasl.mechanism=OAUTHBEARER with librdkafka's sasl.oauthbearer.* properties",
        )),
        "" => Err(("it names no login module".to_owned(), HINT)),
        // What is no module may be a secret in the wrong place.
        class if class.ends_with("LoginModule") => Err((format!("{class} is Java code"), HINT)),
        _ => Err(("its first word is no login module".to_owned(), HINT)),
    }
}

/// The words of a JAAS entry up to the first `;`, quotes and escapes resolved.
fn jaas_words(config: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut rest = config.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(_), '\\') => word.extend(rest.next()),
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ';') => break,
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
