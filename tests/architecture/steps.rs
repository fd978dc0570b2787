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
