//! Which module imports which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::source::{code, root_module, sources};

/// Each root module and those that it may import. `auth` and `mcp` meet in step files and in `tutorial`, whose tool calls
/// another API, and nowhere else.
const MAY_USE: &[(&str, &[&str])] = &[
    ("auth", &["principal"]),
    ("authorization_server", &["auth", "display_text", "principal", "public_ip"]),
    ("client", &["auth", "jsonrpc", "principal", "public_ip"]),
    (
        "config",
        &["auth", "authorization_server", "jsonrpc", "origin", "principal", "program", "telemetry"],
    ),
    ("cors", &["origin"]),
    ("display_text", &[]),
    ("docs", &["auth", "config", "origin", "program"]),
    ("health", &[]),
    ("jsonrpc", &[]),
    ("mcp", &["display_text", "jsonrpc", "principal", "trace_context"]),
    ("origin", &[]),
    ("principal", &[]),
    ("program", &[]),
    ("public_ip", &[]),
    ("server", &["config", "docs", "health", "jsonrpc", "origin", "program", "telemetry"]),
    ("telemetry", &["trace_context"]),
    ("test_support", &["auth", "principal"]),
    ("trace_context", &[]),
    ("tutorial", &["auth", "mcp", "principal", "program"]),
];

/// Every path below `crate::` or `super::` that a piece of code names, one for each name in braces.
fn named_paths(code: &str) -> Vec<String> {
    let (mut paths, mut at) = (Vec::new(), 0);
    while let Some(next) =
        code[at..].find("crate::").into_iter().chain(code[at..].find("super::")).min()
    {
        let start = at + next;
        // `xcrate::` is no path of ours.
        let is_root = !code[..start].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
        at = start + if is_root { expand(&code[start..], "", &mut paths) } else { "crate::".len() };
    }
    paths
}

/// Adds the paths of one `use` tree, `a::{b, c::{d, e}}` for example, and returns its length.
fn expand(tree: &str, prefix: &str, paths: &mut Vec<String>) -> usize {
    let is_path = |c: char| c.is_alphanumeric() || "_:".contains(c);
    let end = tree.find(|c| !is_path(c)).unwrap_or(tree.len());
    let path = format!("{prefix}{}", &tree[..end]);
    if !tree[end..].starts_with('{') || !path.ends_with("::") {
        paths.push(path.trim_end_matches(':').to_owned());
        return end;
    }
    let mut at = end + 1;
    while at < tree.len() {
        let rest = &tree[at..];
        if rest.starts_with('}') {
            return at + 1;
        }
        at += if rest.starts_with(is_path) {
            expand(rest, &path, paths)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    at
}

/// The root modules that a piece of code names.
fn named_modules(code: &str) -> BTreeSet<String> {
    let paths = named_paths(code).into_iter();
    let roots =
        paths.filter_map(|path| Some(path.strip_prefix("crate::")?.split("::").next()?.to_owned()));
    roots.filter(|root| !root.is_empty()).collect()
}

/// The module that a file is: `auth::keys` for `src/auth/keys.rs`, `auth` for `src/auth/mod.rs`.
fn module(path: &Path) -> String {
    let path = path.strip_prefix("src").expect("below src").with_extension("");
    let parts = path.iter().map(|part| part.to_str().expect("UTF-8")).filter(|part| *part != "mod");
    parts.collect::<Vec<_>>().join("::")
}

/// The modules that a module imports, by its own code and through `pub use` of others.
fn imports(module: &str, code: &str, modules: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in named_paths(code) {
        let mut absolute: Vec<&str> = module.split("::").collect();
        let mut rest = path.as_str();
        if let Some(below) = rest.strip_prefix("crate::") {
            (absolute, rest) = (Vec::new(), below);
        }
        while let Some(above) = rest.strip_prefix("super::") {
            absolute.pop();
            rest = above;
        }
        absolute.extend(rest.split("::"));
        found.extend(defining_module(&absolute, modules));
    }
    found
}

/// The deepest module on a path; if it re-exports the next name from a child, that child.
fn defining_module(path: &[&str], modules: &BTreeMap<String, String>) -> Option<String> {
    let depth =
        (1..=path.len()).rev().find(|&depth| modules.contains_key(&path[..depth].join("::")))?;
    let module = path[..depth].join("::");
    let Some(name) = path.get(depth) else { return Some(module) };
    let code = &modules[&module];
    for (at, _) in code.match_indices("pub use ") {
        let mut exported = Vec::new();
        expand(&code[at + "pub use ".len()..], "", &mut exported);
        for export in exported.iter().filter(|export| export.rsplit("::").next() == Some(name)) {
            let parent = export.rsplit_once("::").map_or("", |(parent, _)| parent);
            let child = format!("{module}::{parent}");
            if modules.contains_key(&child) {
                return Some(child);
            }
        }
    }
    Some(module)
}

#[test]
fn modules_import_only_what_they_may() {
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    for (path, text) in sources("src") {
        let Some(module) =
            root_module(&path).filter(|module| !["bin", "lib"].contains(&module.as_str()))
        else {
            continue;
        };
        let allowed = allowed
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{}: `{module}` is not in MAY_USE", path.display()));
        for named in named_modules(&code(&text)) {
            assert!(
                named == module || allowed.contains(&named.as_str()),
                "{}: `{module}` may not import `{named}`",
                path.display()
            );
        }
    }
}

#[test]
fn imports_in_braces_are_read_one_by_one() {
    let code =
        "use crate::{\n auth::{jwks, keys::{A, B}},\n origin, principal::X,\n};\n crate::mcp::f()";
    let modules: Vec<_> = named_modules(code).into_iter().collect();
    assert_eq!(modules, ["auth", "mcp", "origin", "principal"]);
    let paths = named_paths("use super::{a::{self, B}, super::c};\nsuper::super::d::f(x)");
    assert_eq!(paths, ["super::a::self", "super::a::B", "super::super::c", "super::super::d::f"]);
}

#[test]
fn the_client_knows_of_auth_only_what_goes_over_the_wire() {
    for (path, text) in
        sources("src").into_iter().filter(|(path, _)| path.starts_with("src/client"))
    {
        let code = code(&text);
        let private = ["keys", "verifier", "bearer", "claims", "token_cache", "remote_jwks"];
        for (at, _) in code.match_indices("auth::") {
            let (before, named) = (&code[..at], &code[at + "auth::".len()..]);
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue; // another name that ends so
            }
            let end = if named.starts_with('{') { '}' } else { ':' };
            let named = named.split(end).next().unwrap_or_default();
            let found = private.iter().find(|module| named.contains(*module));
            assert_eq!(found, None, "{}", path.display());
        }
    }
}

/// A module and its own children are one: an import between them closes no circle.
#[test]
fn no_two_files_import_each_other_not_even_through_others() {
    let modules: BTreeMap<String, String> = sources("src")
        .into_iter()
        .filter(|(path, _)| !path.starts_with("src/bin") && !path.ends_with("lib.rs"))
        .map(|(path, text)| (module(&path), code(&text)))
        .collect();
    let is_below = |child: &str, parent: &str| child.starts_with(&format!("{parent}::"));
    let imports: BTreeMap<&String, BTreeSet<String>> = modules
        .iter()
        .map(|(name, code)| {
            let mut imports = imports(name, code, &modules);
            imports
                .retain(|other| other != name && !is_below(other, name) && !is_below(name, other));
            (name, imports)
        })
        .collect();
    let mut circles = Vec::new();
    for start in modules.keys() {
        let (mut reached, mut next) = (BTreeMap::new(), vec![start]);
        while let Some(from) = next.pop() {
            for to in &imports[from] {
                if !reached.contains_key(to) {
                    reached.insert(to, from);
                    next.push(to);
                }
            }
        }
        if reached.contains_key(start) {
            let mut circle = vec![start.as_str()];
            let mut at = reached[start];
            while at != start {
                circle.push(at);
                at = reached[at];
            }
            circle.reverse();
            circles.push(circle.join(" -> "));
        }
    }
    assert!(circles.is_empty(), "put what they share below both:\n{}", circles.join("\n"));
}
