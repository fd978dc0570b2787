//! The step files.

use std::path::Path;

use crate::source::{code, sources, without_strings};

fn step_files() -> Vec<(u32, String)> {
    let number = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("step")?.parse().ok();
    let mut steps: Vec<(u32, String)> = sources("src/bin")
        .into_iter()
        .filter_map(|(path, text)| Some((number(&path)?, text)))
        .collect();
    steps.sort();
    steps
}

#[test]
fn only_step_files_know_of_steps() {
    for (path, text) in sources("src") {
        if path.starts_with("src/bin") {
            continue;
        }
        // A step-up is a term of the field: authorization for more scopes than before.
        let code = without_strings(&code(&text)).to_lowercase().replace("step_up", "");
        let words = code.split(|c: char| !c.is_alphabetic());
        let found = words.filter(|word| ["step", "steps"].contains(word)).count();
        assert_eq!(found, 0, "{} says `step` in its code", path.display());
    }
}

#[test]
fn every_server_has_the_same_main_and_the_same_signature() {
    let main = "#[tokio::main]\nasync fn main() -> anyhow::Result<()> {\n    server::run(program_info!(), app).await\n}\n";
    let app = "async fn app(config: Config) -> anyhow::Result<Router> {\n";
    for (number, text) in step_files().iter().filter(|(number, _)| *number <= 10) {
        assert_eq!(text.matches(main).count(), 1, "step {number} has another `main`");
        assert_eq!(text.matches(app).count(), 1, "step {number} has another `app`");
        assert_eq!(text.matches("fn ").count(), 2, "step {number} has more than `main` and `app`");
        assert!(!text.contains("#[cfg(test)]"), "step {number} has tests in it");
    }
}

#[test]
fn every_step_has_the_same_header() {
    let steps = step_files();
    assert!(steps.len() >= 8, "{} steps", steps.len());
    for (number, text) in steps {
        let header: Vec<_> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let title = format!("//! Step {number}: ");
        assert!(
            header[0].starts_with(&title) && header[0].ends_with('.'),
            "step {number}: {}",
            header[0]
        );
        let mut labels = header.iter().filter_map(|line| {
            ["Adds", "Spec", "Try"]
                .into_iter()
                .find(|word| line.starts_with(&format!("//! {word}:")))
        });
        assert_eq!(labels.by_ref().collect::<Vec<_>>(), ["Adds", "Spec", "Try"], "step {number}");
        assert_eq!(header[1], "//!", "step {number}: an empty line below the title");
    }
}

/// How many lines each step may add to the one before it, its header left out, and how many lines it may have.
const MAX_ADDED: [usize; 10] = [30, 8, 8, 14, 12, 18, 24, 14, 48, 28];
const MAX_STEP_LINES: usize = 140;

/// The lines below the header.
fn body(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with("//!")).collect()
}

/// How many lines two texts have in common, in their order: what `diff` does not print.
fn common_lines(old: &[&str], new: &[&str]) -> usize {
    let mut lengths = vec![0; new.len() + 1];
    for line in old {
        let mut diagonal = 0;
        for (column, other) in new.iter().enumerate() {
            let above = lengths[column + 1];
            lengths[column + 1] =
                if line == other { diagonal + 1 } else { above.max(lengths[column]) };
            diagonal = above;
        }
    }
    lengths[new.len()]
}

#[test]
fn each_step_adds_little_and_the_identity_provider_replaces_more_than_it_brings() {
    let steps = step_files();
    let first = body(&steps[0].1).iter().filter(|line| !line.is_empty()).count();
    assert!(first <= MAX_ADDED[0], "step 1 has {first} lines of code");
    for pair in steps.windows(2).filter(|pair| pair[1].0 <= 10) {
        let [(_, before), (number, text)] = pair else { unreachable!("pairs") };
        let (before, after) = (body(before), body(text));
        let common = common_lines(&before, &after);
        let (added, removed) = (after.len() - common, before.len() - common);
        let max = MAX_ADDED[*number as usize - 1];
        assert!(added <= max, "step {number} adds {added} lines, more than {max}");
        assert!(*number < 10 || removed > added, "step {number}: +{added} -{removed}");
    }
    for (number, text) in steps.iter().filter(|(number, _)| *number <= 10) {
        let lines = text.lines().count();
        assert!(lines <= MAX_STEP_LINES, "step {number} has {lines} lines");
    }
}

#[test]
fn lines_in_common_are_counted_as_diff_does() {
    assert_eq!(common_lines(&["a", "b", "c"], &["a", "x", "c", "b"]), 2);
    assert_eq!(common_lines(&[], &["a"]), 0);
}
