//! Takes step 9 as it stands, without its header and its `main`, so that the very assembly that people run is fuzzed.

use std::{env, fs, path::Path};

fn main() {
    let source = Path::new("../../src/bin/step9.rs");
    println!("cargo::rerun-if-changed={}", source.display());
    let text = fs::read_to_string(source).expect("step 9");
    let (imports, rest) = text.split_once("#[tokio::main]").expect("a main");
    let (_, app) = rest.split_once("async fn app").expect("an app");
    // The headers of the other steps are read relative to the package that is compiled, which is another one here.
    let program_docs = |line: &&str| !line.starts_with("//!") && line.trim() != "chapters,";
    let imports: Vec<_> = imports.lines().filter(program_docs).collect();
    let step = format!(
        "{}\nmacro_rules! program_docs {{ [$($program:literal),+ $(,)?] => {{ [$($program.to_owned()),+] }}; }}\n\
         pub async fn app{app}",
        imports.join("\n")
    );
    let out = env::var("OUT_DIR").expect("set by cargo");
    fs::write(Path::new(&out).join("step9.rs"), step).expect("a file");
}
