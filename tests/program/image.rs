//! The container image: what its file says, and whether the program can live with what it holds. No engine is needed.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The libraries of `gcr.io/distroless/cc-debian12`: glibc's and GCC's.
const LIBRARIES: [&str; 5] =
    ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_loadgen"))
}

/// The files that the program is linked against.
fn libraries() -> Vec<PathBuf> {
    let told = Command::new("ldd").arg(program()).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    told.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

#[test]
fn the_program_is_linked_against_nothing_that_its_image_lacks() {
    for library in libraries() {
        let name = library.file_name().unwrap().to_str().unwrap();
        assert!(LIBRARIES.contains(&name), "{} is not in the image", library.display());
    }
}

#[test]
fn the_program_runs_where_there_is_nothing_but_what_its_image_holds() {
    let root = tempfile::tempdir().unwrap();
    for file in libraries().iter().map(PathBuf::as_path).chain([program()]) {
        let inside = root.path().join(file.strip_prefix("/").unwrap());
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        fs::copy(file, inside).unwrap();
    }
    for folder in ["results", "tmp"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    let inside = |words: &[&str]| {
        // A namespace of its own, in which this user may change the root: no right is needed for it where the kernel gives any.
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--root"]).arg(root.path()).args(["--wd", "/"]).arg(program());
        command.args(words).env_clear().output().unwrap()
    };
    let version = inside(&["--version"]);
    let said = String::from_utf8_lossy(&version.stderr);
    if said.contains("Operation not permitted") {
        // A container that forbids namespaces says nothing about the image.
        println!("left out: the kernel allows no namespace of its own here");
        return;
    }
    assert!(version.status.success(), "{said}");
    let run = inside(&["synth", "--rate", "200/s", "--num-records", "100", "--gate-off", "generator_healthy"]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let mut bundles = fs::read_dir(root.path().join("results")).unwrap();
    assert!(bundles.next().unwrap().unwrap().path().join("report.html").exists());
}

#[test]
fn the_image_has_no_root_no_shell_and_no_tag_that_moves() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).unwrap();
    let of = |word: &str| text.lines().filter(|line| line.starts_with(word)).collect::<Vec<_>>();
    let bases = of("FROM ");
    assert_eq!(bases.len(), 2, "one stage builds, one is kept");
    assert!(bases.iter().all(|base| base.contains(':') && !base.contains(":latest")), "{bases:?}");
    assert!(bases[1].contains("distroless") && bases[1].ends_with(":nonroot"), "{bases:?}");
    assert_eq!(of("USER "), ["USER 65532:65532"], "a number: runAsNonRoot cannot look a name up");
    assert!(of("ENTRYPOINT ")[0].starts_with("ENTRYPOINT [\"/"), "a shell would be needed otherwise");
    let (_, kept) = text.rsplit_once("FROM ").unwrap();
    assert!(!kept.lines().any(|line| line.starts_with("RUN ")), "nothing runs where there is no shell");
    assert!(text.contains("cargo build --release --locked"), "the lock file says which crates");
}
