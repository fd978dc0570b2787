//! Places that are bad for keys: the server says which and how to mend it, and does not start without.

use std::{fs, process::Command};

use mcp_auth::auth::keys::KeyPair;

use crate::support::binary;

/// What step 5 says on its way out, started after some commands of a shell with its keys in this folder.
fn refusal(commands: &str, keys: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", &format!("{commands} exec \"$0\" --port 0 --keys-dir \"$1\"")])
        .arg(binary("step5"))
        .arg(keys)
        .output()
        .expect("a shell");
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "it must not say that it listens");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn an_unwritable_keys_folder_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("keys");
    for (name, keys) in
        [("below a file", below.to_str().unwrap()), ("read-only for everybody", "/proc/sys/keys")]
    {
        let log = refusal("", keys);
        assert!(log.contains(&format!("cannot write {keys}")), "{name}: {log}");
        assert!(log.contains("choose another folder with --keys-dir"), "{name}: {log}");
    }
}

#[test]
fn a_full_disk_is_reported_and_leaves_no_partial_key() {
    let folder = tempfile::tempdir().unwrap();
    // No file may have a single byte, which is what a full disk looks like to a program.
    let log = refusal("trap '' XFSZ; ulimit -f 0;", folder.path().to_str().unwrap());
    assert!(log.contains("mcp_private_key.pem; choose another folder with --keys-dir"), "{log}");
    assert!(log.contains("os error"), "the cause: {log}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // With space on the disk again, the same folder works.
    KeyPair::load_or_create(folder.path()).unwrap();
}
