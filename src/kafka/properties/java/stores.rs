//! Key and trust stores of Java, as the files that OpenSSL reads.

use super::{Property, Refused};

/// Key and trust stores: several properties that mean something together.
#[derive(Debug, Default)]
pub(super) struct Stores {
    parts: Vec<Property>,
}

impl Stores {
    const NAMES: [&str; 8] = [
        "ssl.truststore.location",
        "ssl.truststore.type",
        "ssl.truststore.password",
        "ssl.truststore.certificates",
        "ssl.keystore.location",
        "ssl.keystore.type",
        "ssl.keystore.key",
        "ssl.keystore.certificate.chain",
    ];

    pub(super) fn owns(name: &str) -> bool {
        Self::NAMES.contains(&name)
    }

    pub(super) fn take(&mut self, property: Property) {
        self.parts.push(property);
    }

    /// Leaves out the parts whose counterparts are said elsewhere: of the trust store, of the key store.
    pub(super) fn leave_out(&mut self, trust: bool, keys: bool) {
        self.parts.retain(|part| {
            !(trust && part.key.starts_with("ssl.truststore.") || keys && part.key.starts_with("ssl.keystore."))
        });
    }

    fn part(&self, name: &str) -> Option<&Property> {
        self.parts.iter().find(|property| property.key == name)
    }

    /// The kind of a store: as said, or as the file's name says, or Java's default.
    fn kind(&self, location: &Property, type_key: &str) -> String {
        let said = self.part(type_key).map(|property| property.value.to_ascii_uppercase());
        said.unwrap_or_else(|| {
            let name = location.value.to_ascii_lowercase();
            let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
            if ends(&[".pem", ".crt", ".cer"]) {
                "PEM"
            } else if ends(&[".p12", ".pfx", ".pkcs12"]) {
                "PKCS12"
            } else {
                "JKS"
            }
            .to_owned()
        })
    }

    pub(super) fn translate(&self, notes: &mut Vec<String>) -> Result<Vec<Property>, Refused> {
        let mut done = Vec::new();
        let rename = |property: &Property, name: &str| Property { key: name.to_owned(), ..property.clone() };
        let refused = |property: &Property, reason: String, hint: &str| Refused {
            key: property.key.clone(),
            origin: property.origin.to_string(),
            reason,
            hint: hint.to_owned(),
        };
        if let Some(location) = self.part("ssl.truststore.location") {
            match self.kind(location, "ssl.truststore.type").as_str() {
                "PEM" => done.push(rename(location, "ssl.ca.location")),
                kind => {
                    return Err(refused(
                        location,
                        format!("{kind} trust stores cannot be read, only PEM"),
                        "keytool -exportcert -rfc -keystore STORE -alias ALIAS -file ca.pem, then ssl.ca.location=ca.pem",
                    ));
                }
            }
            if let Some(password) = self.part("ssl.truststore.password") {
                notes.push(format!("{} ({}) has no effect: a PEM file has no password", password.key, password.origin));
            }
        }
        if let Some(location) = self.part("ssl.keystore.location") {
            match self.kind(location, "ssl.keystore.type").as_str() {
                "PEM" => {
                    done.push(rename(location, "ssl.certificate.location"));
                    done.push(rename(location, "ssl.key.location"));
                }
                "PKCS12" => done.push(location.clone()),
                kind => {
                    return Err(refused(
                        location,
                        format!("{kind} key stores cannot be read, only PEM and PKCS12"),
                        "keytool -importkeystore -srckeystore STORE -destkeystore store.p12 -deststoretype PKCS12, then ssl.keystore.location=store.p12",
                    ));
                }
            }
        }
        let inline = [
            ("ssl.truststore.certificates", "ssl.ca.pem"),
            ("ssl.keystore.key", "ssl.key.pem"),
            ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
        ];
        done.extend(inline.iter().filter_map(|(java, name)| self.part(java).map(|property| rename(property, name))));
        Ok(done)
    }
}
