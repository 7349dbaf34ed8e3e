//! A page of a shop with the script of `loadgen collect`.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{Read as _, Write as _};

/// A page of another origin, served to one browser.
pub(crate) fn page(script: &str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let page = format!(
        "<!doctype html><title>shop</title><script src=\"{script}\"></script><button data-event=\"Lamp wanted\">lamp</button>"
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // Whatever is asked, this is the page.
            let mut asked = [0; 4096];
            drop(stream.read(&mut asked));
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
            drop(stream.write_all(format!("{head}{page}").as_bytes()));
        }
    });
    address
}
